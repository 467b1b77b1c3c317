// The board is not exchanged under a finger: a link that is replaced between press and release is not followed, and one
// of them stops what is on air. What was left out is fetched once the finger is off.
"use strict";

(() => {
  const board = document.getElementById("board");
  let pressed = false;
  let leftOut = false;

  board.addEventListener("pointerdown", () => { pressed = true; });
  const release = () => {
    pressed = false;
    if (leftOut) board.dispatchEvent(new Event("released"));
    leftOut = false;
  };
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(release));  // after the click that belongs to it
  }
  board.addEventListener("htmx:beforeSwap", (event) => {
    if (!pressed) return;
    event.detail.shouldSwap = false;
    leftOut = true;
  });
})();
