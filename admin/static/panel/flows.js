// Dragging the target of a menu key to another key sends the form of the buttons with the new order.
"use strict";

let dragged = null;
for (const list of document.querySelectorAll("[data-order]")) {
  const mine = (target) => [...list.children].find((item) => item.contains(target));
  list.addEventListener("dragstart", (event) => {
    const item = mine(event.target);
    if (!item || event.target.closest("[data-order]") !== list) return;
    dragged = { list, item };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", item.dataset.exit);
  });
  list.addEventListener("dragover", (event) => {
    if (dragged?.list !== list) return;
    event.preventDefault();
    for (const item of list.children) item.classList.toggle("over", item.contains(event.target) && item !== dragged.item);
  });
  list.addEventListener("drop", (event) => {
    const there = mine(event.target);
    if (dragged?.list !== list || !there || there === dragged.item) return;
    event.preventDefault();
    const items = [...list.children];
    if (items.indexOf(there) < items.indexOf(dragged.item)) there.before(dragged.item);
    else there.after(dragged.item);
    const form = document.getElementById(list.dataset.order);
    for (const item of list.children) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "order";
      field.value = item.dataset.exit;
      form.append(field);
    }
    form.submit();
  });
}
document.addEventListener("dragend", () => {
  for (const item of document.querySelectorAll(".over")) item.classList.remove("over");
  dragged = null;
});
