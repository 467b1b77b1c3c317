// Keyboard shortcuts of the inbox: j and k move, Enter opens (as for any link), / searches, ? shows help. Can be turned off.
"use strict";

(() => {
  const REMEMBERED = "haichieu-keys";
  const links = [...document.querySelectorAll("[data-inbox] a")];
  const search = document.querySelector("[data-search]");
  const keys = document.querySelector("[data-keys]");
  const on = document.querySelector("[data-keys-on]");

  const recall = () => { try { return localStorage.getItem(REMEMBERED); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem(REMEMBERED, value); } catch { /* valid for this page only */ } };

  on.checked = recall() !== "off";
  on.addEventListener("change", () => remember(on.checked ? "on" : "off"));

  const move = (by) => {
    const here = links.indexOf(document.activeElement);
    const next = here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1);
    links[next]?.focus();
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && event.target === search) search.blur();
    if (!on.checked || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      j: () => move(1),
      k: () => move(-1),
      "/": () => { search.focus(); search.select(); },
      "?": () => { keys.open = !keys.open; keys.scrollIntoView({ block: "nearest" }); },
    };
    if (acts[event.key]) {
      event.preventDefault();
      acts[event.key]();
    }
  });
})();
