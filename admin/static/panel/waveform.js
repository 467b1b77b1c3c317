// Draws the loudness of a programme over its player; a click goes there. Without it the player is enough.
"use strict";

for (const canvas of document.querySelectorAll("canvas[data-sound]")) {
  const player = canvas.parentElement.querySelector("audio");
  draw(canvas, player).catch(() => canvas.remove());
}

async function draw(canvas, player) {
  const answer = await fetch(canvas.dataset.sound);
  const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(await answer.arrayBuffer());
  const samples = sound.getChannelData(0);
  canvas.width = canvas.clientWidth;
  const step = Math.max(1, Math.floor(samples.length / canvas.width)), heights = [];
  for (let x = 0; x < canvas.width; x++) {
    let peak = 0;
    for (let i = x * step; i < (x + 1) * step && i < samples.length; i += 4) peak = Math.max(peak, Math.abs(samples[i]));
    heights.push(peak);
  }
  const pen = canvas.getContext("2d");
  const paint = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const here = player.duration ? (player.currentTime / player.duration) * canvas.width : 0;
    heights.forEach((peak, x) => {
      pen.fillStyle = x < here ? "#0b5394" : "#7b8794";
      const height = Math.max(1, peak * canvas.height);
      pen.fillRect(x, (canvas.height - height) / 2, 1, height);
    });
  };
  player.addEventListener("timeupdate", paint);
  canvas.addEventListener("click", (event) => {
    if (player.duration) player.currentTime = (event.offsetX / canvas.clientWidth) * player.duration;
  });
  paint();
}
