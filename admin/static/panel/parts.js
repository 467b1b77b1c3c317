// Plays the parts of a text or playlist one after the other; `data-next` has the addresses of those after the first.
"use strict";

for (const player of document.querySelectorAll("audio[data-next]")) {
  const parts = [player.getAttribute("src"), ...player.dataset.next.split(" ")];
  let at = 0;
  player.addEventListener("ended", () => {
    at = (at + 1) % parts.length;
    player.src = parts[at];
    if (at > 0) player.play().catch(() => {});
  });
}
