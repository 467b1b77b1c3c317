// What needs the user: its number in the title and on the installed app, a sound when something is new, and pushes, as the user wants.
"use strict";

(() => {
  const SOUND = "haichieu-sound", KNOWN = "haichieu-known", COUNT = "haichieu-count";
  const recall = (store, name) => { try { return store()?.getItem(name); } catch { return null; } };
  const remember = (store, name, value) => { try { store().setItem(name, value); } catch { /* valid for this page only */ } };
  const here = () => window.sessionStorage, always = () => window.localStorage;
  const title = document.title;

  const ring = () => {
    const room = new AudioContext();
    [660, 880].forEach((pitch, index) => {
      const tone = room.createOscillator(), loud = room.createGain(), at = room.currentTime + index * 0.2;
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.2, at);
      loud.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
      tone.connect(loud).connect(room.destination);
      tone.start(at);
      tone.stop(at + 0.4);
      if (index) tone.onended = () => room.close();
    });
    document.body.dataset.rang = Number(document.body.dataset.rang ?? 0) + 1;
  };

  for (const box of document.querySelectorAll("[data-sound-on]")) {
    box.checked = recall(always, SOUND) === "on";
    box.addEventListener("change", () => { remember(always, SOUND, box.checked ? "on" : "off"); if (box.checked) ring(); });
  }

  // The newest ids are remembered from page to page of a tab, so that what comes between two of them is heard as well.
  const show = (count) => { document.title = count ? `(${count}) ${title}` : title; };
  show(Number(recall(here, COUNT) ?? 0));
  document.addEventListener("attention", ({ detail: { attention = "0", newest = "" } }) => {
    const count = Number(attention), before = recall(here, KNOWN)?.split(" ").map(Number);
    show(count);
    remember(here, COUNT, count);
    (count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.())?.catch(() => {});
    if (before && recall(always, SOUND) === "on" && newest.split(" ").some((id, index) => Number(id) > before[index])) ring();
    remember(here, KNOWN, newest);
  });

  // Pushes: a browser subscribes at its push service with the station's key, and the form sends the station the result.
  const form = document.querySelector("[data-push]"), add = form?.querySelector("[data-push-add]");
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const subscribe = async () => {
    if (await Notification.requestPermission() !== "granted") throw new Error("denied");
    await navigator.serviceWorker.register("/service-worker.js");
    const { pushManager } = await navigator.serviceWorker.ready;
    const ask = () => pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(form.dataset.push) });
    return ask().catch(async () => {  // subscribed with another key before: the station's key was replaced
      await (await pushManager.getSubscription())?.unsubscribe();
      return ask();
    });
  };
  if (add && "PushManager" in window && "serviceWorker" in navigator) {
    add.hidden = false;
    form.querySelector("[data-push-none]").hidden = true;
    let done = false;
    add.addEventListener("click", async (event) => {
      if (done) return;
      event.preventDefault();
      try {
        const subscription = await subscribe();
        form.elements.endpoint.value = subscription.endpoint;
        for (const name of ["p256dh", "auth"]) form.elements[name].value = text(subscription.getKey(name));
        done = true;
        add.click();
      } catch {
        form.querySelector("[data-push-failed]").hidden = false;
      }
    });
  }

  // Who signs out on purpose receives nothing here any more: the next push finds no subscription, and the station forgets it.
  for (const way of document.querySelectorAll("[data-sign-out]")) {
    way.addEventListener("submit", async (event) => {
      if (globalThis.Notification?.permission !== "granted" || !navigator.serviceWorker) return;
      event.preventDefault();
      const found = await navigator.serviceWorker.getRegistration().catch(() => null);
      await (await found?.pushManager.getSubscription().catch(() => null))?.unsubscribe().catch(() => {});
      way.submit();
    });
  }
})();
