// A small emoji picker.

import { h } from "./dom.js";
import { moveFocus, openPopover } from "./popover.js";

const COLUMNS = 8;

/** Unicode emoji with the words that find them. */
export const EMOJI = [
  ["👍", "thumbsup yes"], ["👎", "thumbsdown no"], ["❤️", "heart love"], ["😂", "joy laugh"],
  ["🎉", "tada party"], ["😮", "open_mouth wow"], ["😢", "cry sad"], ["🙏", "pray thanks"],
  ["🔥", "fire"], ["👀", "eyes look"], ["✅", "white_check_mark done"], ["❌", "x no"],
  ["😀", "grinning"], ["😄", "smile"], ["😅", "sweat_smile"], ["😊", "blush"],
  ["😉", "wink"], ["😍", "heart_eyes"], ["😎", "sunglasses cool"], ["🤔", "thinking"],
  ["😐", "neutral_face"], ["🙄", "rolling_eyes"], ["😴", "sleeping"], ["😭", "sob"],
  ["😡", "rage angry"], ["🤯", "exploding_head"], ["🥳", "partying_face"], ["🤖", "robot bot"],
  ["👋", "wave hello"], ["👏", "clap"], ["🙌", "raised_hands"], ["💪", "muscle"],
  ["🤝", "handshake"], ["👌", "ok_hand"], ["✌️", "v peace"], ["🤞", "fingers_crossed"],
  ["💯", "100"], ["⭐", "star"], ["✨", "sparkles"], ["⚡", "zap"],
  ["💡", "bulb idea"], ["🚀", "rocket"], ["🐛", "bug"], ["🔧", "wrench fix"],
  ["📌", "pushpin"], ["📝", "memo"], ["📎", "paperclip"], ["🔒", "lock"],
  ["⏳", "hourglass wait"], ["⚠️", "warning"], ["❓", "question"], ["❗", "exclamation"],
  ["➕", "heavy_plus_sign"], ["🟢", "green_circle"], ["🔴", "red_circle"], ["🟡", "yellow_circle"],
  ["🍕", "pizza"], ["☕", "coffee"], ["🍪", "cookie"], ["🎂", "birthday cake"],
  ["🐱", "cat"], ["🐶", "dog"], ["🦊", "fox"], ["🌍", "earth world"],
];

/** Emoji whose words contain `wanted`, at most `limit`. */
export function findEmoji(wanted, limit = EMOJI.length) {
  return EMOJI.filter(([, words]) => words.includes(wanted.toLowerCase())).slice(0, limit);
}

/** Open the picker; `onPick(emoji)` gets a character. */
export function openEmojiPicker(anchor, onPick) {
  const grid = h("div", { class: "emoji-grid" });
  const search = h("input", {
    class: "search",
    type: "text",
    "aria-label": "Search emoji",
    placeholder: "Find the perfect emoji",
    on: {
      input: draw,
      keydown: (event) => {
        if (event.key === "ArrowDown") {
          event.preventDefault();
          grid.firstElementChild?.focus();
        } else if (event.key === "Enter") {
          event.preventDefault();
          grid.firstElementChild?.click();
        }
      },
    },
  });
  draw();
  const close = openPopover(anchor, h("div", { class: "emoji-picker" }, search, grid), { label: "Emoji", focus: search });

  function draw() {
    const cells = findEmoji(search.value).map(([character, words]) =>
      h(
        "button",
        {
          type: "button",
          class: "emoji",
          "aria-label": words.split(" ")[0].replaceAll("_", " "),
          title: `:${words.split(" ")[0]}:`,
          on: {
            click: () => {
              close();
              onPick(character);
            },
          },
        },
        character,
      ),
    );
    grid.replaceChildren(...cells);
    grid.onkeydown = (event) => moveFocus(event, cells, { step: COLUMNS });
  }
}
