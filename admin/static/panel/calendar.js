// Dragging an occurrence to another hour opens its move form, filled in; the form asks for confirmation.
"use strict";

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("[data-move]");
  if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.move);
});
for (const hour of document.querySelectorAll("[data-hour]")) {
  hour.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    hour.classList.add("over");
  });
  hour.addEventListener("dragleave", () => hour.classList.remove("over"));
  hour.addEventListener("drop", (event) => {
    event.preventDefault();
    if (dragged) location.assign(`${dragged.dataset.move}&to=${encodeURIComponent(`${hour.dataset.hour}:${dragged.dataset.minute}`)}`);
  });
}
