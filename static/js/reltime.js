// Keeps <time data-relative datetime> fresh; the server wrote the first wording and the exact time in `title`.
const STEPS = [[60, "second"], [3600, "minute"], [86400, "hour"], [2592000, "day"], [31536000, "month"], [Infinity, "year"]]
const SIZE = { second: 1, minute: 60, hour: 3600, day: 86400, month: 2592000, year: 31536000 }
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" })

export function refreshTimes() {
  document.querySelectorAll("time[data-relative]").forEach(refresh)
  setTimeout(refreshTimes, 30000)
}

function refresh(element) {
  const seconds = (new Date(element.dateTime) - Date.now()) / 1000
  if (Number.isNaN(seconds)) return
  const [, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit)
  element.textContent = words.format(Math.trunc(seconds / SIZE[unit]), unit)
}
