// On every page: keys on or off, the key of the search, tabs in view, menus that close, and the bar that tells what is on air.
"use strict";

(() => {
  const KEYS = "haichieu-keys";
  const recall = () => { try { return localStorage.getItem(KEYS); } catch { return null; } };
  const remember = (value) => { try { localStorage.setItem(KEYS, value); } catch { /* valid for this page only */ } };
  const useKeys = (on) => document.body.classList.toggle("without-keys", !on);

  useKeys(recall() !== "off");
  for (const box of document.querySelectorAll("[data-keys-on]")) {
    box.checked = recall() !== "off";
    box.addEventListener("change", () => { remember(box.checked ? "on" : "off"); useKeys(box.checked); });
  }

  const field = document.querySelector("[data-find]");
  const find = () => {
    if (!field?.getClientRects().length) return document.querySelector(".find-link")?.click();
    field.focus();
    field.select();
  };

  // Ctrl+K searches everywhere; "/" too, where the page has no search of its own and keys are not turned off.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey) return;
    if (event.key === "Escape") for (const menu of document.querySelectorAll(".who[open], .more[open]")) close(menu);
    const writes = event.target.closest?.("input:not([type=checkbox]), textarea, select");
    const isSearch = (event.ctrlKey || event.metaKey) ? event.key.toLowerCase() === "k"
      : event.key === "/" && !writes && !document.body.classList.contains("without-keys") && !document.querySelector('[aria-keyshortcuts="/"]');
    if (!isSearch || !document.querySelector(".find-link")) return;
    event.preventDefault();
    find();
  });

  // A strip of tabs that is wider than the screen begins with the tab that is open in view.
  for (const tab of document.querySelectorAll(".pages [aria-current]")) {
    tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
  }

  const close = (menu) => {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
  };
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".who[open], .more[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // The bar asks again by itself: often while something is on air, for the level, and never while nobody sees the page.
  const bar = document.querySelector("[data-on-air]");
  if (!bar) return;
  const OFTEN = 2000, SELDOM = 15000;
  let timer = 0, asking = false;
  const which = (part) => part.querySelector("[data-which]")?.dataset.which ?? "";
  const show = (text) => {
    const fresh = document.createElement("div");
    fresh.innerHTML = text;
    if (which(fresh) !== which(bar)) {
      if (!bar.matches(":active")) bar.replaceChildren(...fresh.childNodes);  // a link that is pressed stays
      return;
    }
    const [mine, theirs] = [bar, fresh].map((part) => part.querySelector("[data-changes]"));
    if (mine) mine.innerHTML = theirs.innerHTML;
  };
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden || asking) return;
    asking = true;
    try {
      const answer = await fetch(bar.dataset.onAir, { headers: { "HX-Request": "true" } });
      if (answer.status === 401) return;  // the session is over
      if (answer.ok) show(await answer.text());
    } catch { /* the line is lost: later again */ } finally { asking = false; }
    wait();
  };
  const wait = () => { timer = setTimeout(ask, which(bar) ? OFTEN : SELDOM); };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  window.addEventListener("online", ask);
  wait();
})();
