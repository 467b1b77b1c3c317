// Shows pushes of the station, and opens the page that a notification is about. It caches nothing: pages are only right when fresh.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { title = "Hai Chiều", body = "", path = "/", tag = "", lang = "vi" } = event.data?.json() ?? {};
  event.waitUntil(self.registration.showNotification(title, { body, tag, lang, data: { path } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const where = new URL(event.notification.data?.path ?? "/", self.location.origin);
  if (where.origin !== self.location.origin) return;
  event.waitUntil((async () => {
    const [open] = await self.clients.matchAll({ type: "window" });
    if (!open) return self.clients.openWindow(where.href);
    await open.focus();
    await open.navigate(where.href).catch(() => self.clients.openWindow(where.href));
  })());
});
