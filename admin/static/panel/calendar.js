// The week: dragging an occurrence to another hour opens its form, filled in; arrow keys move among the free hours; a line shows the
// time. The form of a schedule: shows only the fields of the choices made, and the rows of a playlist as they are needed.
"use strict";

(() => {
  const week = document.querySelector("[data-now]");
  const hours = [...document.querySelectorAll("[data-hour]")];
  let dragged = null;

  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-move]");
    if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.move);
  });
  for (const hour of hours) {
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

  // One free hour is reached with Tab, the others from it with the arrow keys.
  const free = () => [...document.querySelectorAll(".add-here")].filter((one) => one.offsetParent);
  const enter = (link) => {
    for (const one of document.querySelectorAll(".add-here")) one.tabIndex = one === link ? 0 : -1;
  };
  const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const next = (link, [days, by]) => {
    const place = (one) => one.parentElement.dataset.hour.split("T");
    const [day, hour] = place(link);
    const all = free();
    if (by) return all.filter((one) => place(one)[0] === day && (by > 0 ? place(one)[1] > hour : place(one)[1] < hour)).at(by > 0 ? 0 : -1);
    return all.filter((one) => place(one)[1] === hour && (days > 0 ? place(one)[0] > day : place(one)[0] < day)).at(days > 0 ? 0 : -1);
  };
  document.addEventListener("keydown", (event) => {
    const link = event.target.closest(".add-here");
    const other = link && STEPS[event.key] && next(link, STEPS[event.key]);
    if (!other) return;
    event.preventDefault();
    enter(other);
    other.focus();
  });

  const line = document.querySelector(".now-line");
  const showNow = (begun) => {
    const at = new Date(Date.parse(`${week.dataset.now}:00Z`) + Date.now() - begun).toISOString();
    const hour = hours.find((one) => one.dataset.hour === at.slice(0, 13));
    document.querySelector(".has-now")?.classList.remove("has-now");
    if (!hour) return line.remove();
    line.querySelector("time").textContent = at.slice(11, 16);
    hour.classList.add("has-now");
    hour.insertBefore(line, [...hour.querySelectorAll(".entry")].find((one) => one.dataset.minute > at.slice(14, 16)) || null);
  };
  if (week) {
    const begun = Date.now();
    if (free().length) enter(free()[0]);
    if (line) setInterval(() => showNow(begun), 60000);
  }

  const form = document.querySelector("form[data-choices]");
  const fit = () => {
    for (const part of form.querySelectorAll("[data-for]")) {
      const [, name, not, value] = part.dataset.for.match(/^(\w+)(!?)=(.*)$/);
      const chosen = form.querySelector(`[name=${name}]:checked`)?.value === value;
      part.hidden = part.disabled = not ? chosen : !chosen;
    }
  };
  const list = form?.querySelector("[data-playlist]");
  const fields = () => [...list.querySelectorAll("input")];
  const grow = () => {
    const all = fields();
    const used = all.findLastIndex((one) => one.value) + 1;
    if (used === all.length) {
      const row = all.at(-1).closest("li").cloneNode(true);
      row.querySelector("input").value = "";
      list.append(row);
    }
    [...list.children].forEach((row, place) => {
      row.hidden = place > used;
      row.querySelector("button").hidden = place === 0 || place >= used;
    });
  };
  if (form) {
    form.addEventListener("change", fit);
    fit();
    list.addEventListener("input", grow);
    list.addEventListener("click", (event) => {
      const at = fields().indexOf(event.target.closest("[data-earlier]")?.previousElementSibling);
      if (at < 1) return;
      const [before, here] = fields().slice(at - 1, at + 1);
      [before.value, here.value] = [here.value, before.value];
      before.nextElementSibling.focus();
    });
    grow();
  }
})();
