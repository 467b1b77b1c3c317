// Keys of the inbox and of a case. A key does what the control with this `aria-keyshortcuts` does: it focuses a field and presses
// anything else. In the list, j and k move and x picks. No key acts while typing, and all can be turned off.
"use strict";

(() => {
  const links = () => [...document.querySelectorAll("[data-inbox] a")];
  const boxes = () => [...document.querySelectorAll("[data-inbox] input[type=checkbox]")];
  const bulk = document.getElementById("bulk");
  const live = document.querySelector("[data-live]");

  const move = (by) => {
    const all = links();
    const here = all.indexOf(document.activeElement?.closest("li")?.querySelector("a"));
    const next = here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1);
    all[next]?.focus();
  };
  const pick = () => document.activeElement?.closest("[data-inbox] li")?.querySelector("input")?.click();
  const control = (key, within) => [...within.querySelectorAll("[aria-keyshortcuts]")]
    .find((one) => one.getAttribute("aria-keyshortcuts") === key);
  const use = (one) => {
    if (!one.matches("input, textarea")) return one.click();
    one.focus();
    one.scrollIntoView({ block: "center" });
    if (one.matches("input")) one.select();
  };

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && field) field.blur();
    if (event.key === "Enter" && event.ctrlKey && field?.form) {
      const button = control(event.shiftKey ? "Control+Shift+Enter" : "Control+Enter", field.form);
      if (button) event.preventDefault();
      return button?.click();
    }
    if (document.body.classList.contains("without-keys") || field || event.ctrlKey || event.metaKey || event.altKey) return undefined;
    const inList = document.querySelector("[data-inbox]") ? { j: () => move(1), k: () => move(-1), x: pick } : {};
    const one = event.repeat ? undefined : control(event.key, document);  // a key that is held acts on one case only
    const act = inList[event.key] ?? (one && (() => use(one)));
    if (act) {
      event.preventDefault();
      act();
    }
    return undefined;
  });

  const back = document.getElementById(location.hash.slice(1));
  if (back?.closest("[data-inbox]")) back.focus();

  // A notice about an answer that is about to leave goes when it has left.
  for (const notice of document.querySelectorAll("[data-leaves]")) {
    setTimeout(() => notice.remove(), Number(notice.dataset.leaves) * 1000);
  }

  // The acts for several cases are shown while any is picked; what is picked stays so when the list updates itself.
  if (bulk) {
    const count = bulk.querySelector("[data-picked]");
    const all = bulk.querySelector("[data-pick-all]");
    const show = () => {
      const picked = boxes().filter((box) => box.checked).length;
      bulk.hidden = picked === 0;
      count.textContent = picked;
    };
    all.hidden = false;
    all.addEventListener("click", () => { for (const box of boxes()) box.checked = true; show(); });
    live.addEventListener("change", show);
    let picked = new Set();
    live.addEventListener("htmx:beforeSwap", () => {
      picked = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
    });
    live.addEventListener("htmx:afterSwap", () => {
      for (const box of boxes()) box.checked = picked.has(box.value);
      show();
    });
    bulk.classList.add("is-live");
    show();
  }
})();
