// Moments as people read them.

const DISCORD_EPOCH = 1420070400000n;
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

export function timeOf(snowflake) {
  return new Date(Number((BigInt(snowflake) >> 22n) + DISCORD_EPOCH));
}

/** A moment in one of Discord's styles: t, T, d, D, f, F or R. */
export function styled(date, style = "f") {
  if (style === "R") return relative(date);
  return new Intl.DateTimeFormat(undefined, STYLES[style] ?? STYLES.f).format(date);
}

export function relative(date) {
  const seconds = (date - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  return format.format(Math.round(seconds / size), unit);
}

export function clock(date) {
  return styled(date, "t");
}

/** "Today at 14:02", "Yesterday at 14:02", or date and time. */
export function calendar(date) {
  const days = daysAgo(date);
  if (days === 0) return `Today at ${clock(date)}`;
  if (days === 1) return `Yesterday at ${clock(date)}`;
  return `${styled(date, "d")} ${clock(date)}`;
}

export function sameDay(a, b) {
  return a.toDateString() === b.toDateString();
}

function daysAgo(date) {
  const midnight = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate());
  return Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
}
