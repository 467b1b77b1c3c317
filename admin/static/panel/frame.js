// On every page: keys on or off, the key of the search, tabs in view, menus that close, and the bar that tells what is on air.
"use strict";

(() => {
  const KEYS = "haichieu-keys", ASKED = "haichieu-asked";
  const recall = (name, store = "localStorage") => { try { return window[store].getItem(name); } catch { return null; } };
  const remember = (name, value, store = "localStorage") => { try { window[store].setItem(name, value); } catch { /* valid for this page only */ } };
  const useKeys = (on) => document.body.classList.toggle("without-keys", !on);

  useKeys(recall(KEYS) !== "off");
  for (const box of document.querySelectorAll("[data-keys-on]")) {
    box.checked = recall(KEYS) !== "off";
    box.addEventListener("change", () => { remember(KEYS, box.checked ? "on" : "off"); useKeys(box.checked); });
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

  // The bar asks again by itself: often while something is on air, for the level, and seldom while nobody sees the page.
  const bar = document.querySelector("[data-on-air]");
  if (!bar) {  // nobody is signed in: what the pages of this tab remember is of another session
    try { sessionStorage.clear(); } catch { /* there is none */ }
    return;
  }
  const OFTEN = 2000, SELDOM = 15000, HIDDEN = 60000;
  let timer = 0, asking = false;
  const which = (part) => part.querySelector("[data-which]")?.dataset.which ?? "";
  const tell = (part) => document.dispatchEvent(new CustomEvent("attention", { detail: { ...part.querySelector("[data-attention]")?.dataset } }));
  const show = (text) => {
    const fresh = document.createElement("div");
    fresh.innerHTML = text;
    remember(ASKED, Date.now(), "sessionStorage");
    tell(fresh);
    if (which(fresh) !== which(bar)) {
      if (!bar.matches(":active")) bar.replaceChildren(...fresh.childNodes);  // a link that is pressed stays
      return;
    }
    const [mine, theirs] = [bar, fresh].map((part) => part.querySelector("[data-changes]"));
    if (mine) mine.innerHTML = theirs.innerHTML;
  };
  const ask = async () => {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(bar.dataset.onAir, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
      if (answer.status === 401) return;  // the session is over
      if (answer.ok) show(await answer.text());
    } catch { /* the line is lost: later again */ } finally { asking = false; }
    wait();
  };
  const wait = () => { timer = setTimeout(ask, document.hidden ? HIDDEN : which(bar) ? OFTEN : SELDOM); };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  window.addEventListener("online", ask);
  const age = Date.now() - Number(recall(ASKED, "sessionStorage") ?? 0);
  timer = setTimeout(ask, which(bar) ? OFTEN : Math.max(0, SELDOM - age));  // a new page asks at once only if no other just did
})();
