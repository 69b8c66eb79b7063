// On narrow screens the sides of the page are drawers; on wide ones the members can be hidden.

import { $ } from "./dom.js";

const narrow = matchMedia("(max-width: 760px)");
const medium = matchMedia("(max-width: 1080px)");

export function setUpDrawers() {
  $("scrim").addEventListener("click", closeDrawers);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeDrawers());
  for (const query of [narrow, medium]) query.addEventListener("change", closeDrawers);
  closeDrawers();
}

export function toggleMembers() {
  if (medium.matches) setDrawer("members", !isOpen("members"));
  else $("app").classList.toggle("without-members");
}

export function togglePlaces() {
  setDrawer("places", !isOpen("places"));
}

export function closeDrawers() {
  for (const id of ["places", "members"]) setDrawer(id, false);
}

function isOpen(id) {
  return $(id).classList.contains("open");
}

function setDrawer(id, open) {
  const drawer = $(id);
  const closed = isOpen(id) && !open;
  drawer.classList.toggle("open", open);
  // What is out of sight must not be in the tab order.
  drawer.inert = !open && (id === "places" ? narrow : medium).matches;
  $("scrim").classList.toggle("open", isOpen("places") || isOpen("members"));
  if (open) (drawer.querySelector("[aria-current]") ?? drawer.querySelector("button"))?.focus();
  if (closed && drawer.inert) $("header").querySelector(`[aria-controls="${id}"]`)?.focus();
}
