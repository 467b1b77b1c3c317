// Draws the waveform of a recording above its player when it comes into view; a click seeks. Optional: the player works alone.
"use strict";

(() => {
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target, document.getElementById(target.dataset.player)).catch(() => target.remove());
    }
  });
  for (const canvas of document.querySelectorAll("canvas[data-peaks]")) seen.observe(canvas);

  async function draw(canvas, player) {
    const answer = await fetch(canvas.dataset.peaks);
    if (!answer.ok) throw new Error(String(answer.status));
    const { peaks } = await answer.json();
    const pen = canvas.getContext("2d"), colours = getComputedStyle(canvas);
    canvas.width = canvas.clientWidth;
    const step = canvas.width / peaks.length, tallest = Math.max(20, ...peaks);
    const paint = () => {
      pen.clearRect(0, 0, canvas.width, canvas.height);
      const here = player.duration ? (player.currentTime / player.duration) * canvas.width : 0;
      peaks.forEach((peak, index) => {
        const height = Math.max(1, (peak / tallest) * canvas.height), x = index * step;
        pen.fillStyle = colours.getPropertyValue(x < here ? "--hc-blue" : "--hc-edge");
        pen.fillRect(x, (canvas.height - height) / 2, Math.max(1, step - 1), height);
      });
    };
    for (const event of ["timeupdate", "seeked", "loadedmetadata"]) player.addEventListener(event, paint);
    canvas.addEventListener("click", (event) => {
      if (player.duration) player.currentTime = (event.offsetX / canvas.clientWidth) * player.duration;
    });
    paint();
    canvas.dataset.drawn = peaks.length;
  }
})();
