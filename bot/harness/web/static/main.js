// The beginning: who one is, and then the application.

import { App } from "./app.js";
import { $ } from "./dom.js";
import { setUpDrawers } from "./drawers.js";
import { drawAccount } from "./account.js";
import { loadSession } from "./session.js";
import { applyTheme, onSystemTheme } from "./theme.js";

applyTheme();
setUpDrawers();

try {
  const app = new App(await loadSession());
  $("skip").addEventListener("click", () => app.composer.focus());
  onSystemTheme(() => drawAccount(app));
  app.start();
} catch (error) {
  $("banner").textContent = error.message;
}
