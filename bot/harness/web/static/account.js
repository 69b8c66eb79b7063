// Who one is: the panel at the bottom left, where one becomes someone else.

import { avatar } from "./avatar.js";
import { $, h, icon, iconButton } from "./dom.js";
import { MOON, SUN, SWAP } from "./icons.js";
import { openMenu } from "./popover.js";
import { become } from "./session.js";
import { isDark, toggleTheme } from "./theme.js";

export function drawAccount(app) {
  const { person, people } = app.session;
  const nameOf = (who) => app.store.nameOf(who.id) === "Unknown User" ? who.name : app.store.nameOf(who.id);
  const choose = (event) =>
    openMenu(event.currentTarget, "Be someone else", people.map((who) => ({
      label: nameOf(who),
      detail: who.role,
      before: avatar(who.id, nameOf(who), { size: 32 }),
      checked: who.id === person.id,
      onPick: () => who.id !== person.id && become(who.name),
    })));
  const theme = iconButton(isDark() ? SUN : MOON, isDark() ? "Light theme" : "Dark theme", () => {
    toggleTheme();
    drawAccount(app);
    $("account").querySelector(".theme").focus();
  }, { class: "theme" });
  $("account").replaceChildren(
    h(
      "button",
      { type: "button", class: "whoami", "aria-haspopup": "menu", "aria-label": `You are ${nameOf(person)}. Be someone else`, on: { click: choose } },
      avatar(person.id, nameOf(person), { size: 32 }),
      h("span", { class: "whoami-text" }, h("strong", {}, nameOf(person)), h("small", {}, person.role)),
      icon(SWAP),
    ),
    theme,
  );
}
