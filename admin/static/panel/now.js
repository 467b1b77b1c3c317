// Do not swap the live board while a button is pressed: a link replaced between press and release is not followed, and one
// of them stops a broadcast. The skipped update is fetched after the release.
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
    document.addEventListener(end, () => setTimeout(release));  // after its click event
  }
  board.addEventListener("htmx:beforeSwap", (event) => {
    if (!pressed) return;
    event.detail.shouldSwap = false;
    leftOut = true;
  });
})();
