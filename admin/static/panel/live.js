// Do not swap the live part of a page while a button is pressed: a link replaced between press and release is not followed, and one
// of them stops a broadcast. The skipped update is fetched after the release.
"use strict";

(() => {
  const part = document.querySelector("[data-live]");
  let pressed = false;
  let leftOut = false;

  part.addEventListener("pointerdown", () => { pressed = true; });
  const release = () => {
    pressed = false;
    if (leftOut) part.dispatchEvent(new Event("released"));
    leftOut = false;
  };
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(release));  // after its click event
  }
  part.addEventListener("htmx:beforeSwap", (event) => {
    if (!pressed) return;
    event.detail.shouldSwap = false;
    leftOut = true;
  });
})();
