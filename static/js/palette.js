// ⌘K. The search box is a link to the search page; here it opens a dialog that asks data-palette-url
// for {"groups": [{"label", "items": [{"label", "url", "icon"?, "hint"?}]}]} and lists the answer.
import { announce } from "./announce.js"

const DELAY = 120
let timer = null
let asked = 0

export function watchPalette() {
  const dialog = document.getElementById("palette")
  if (!dialog) return
  const input = dialog.querySelector("input")
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") openPalette(event, dialog)
  })
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]") && !event.metaKey && !event.ctrlKey) openPalette(event, dialog)
  })
  input.addEventListener("input", () => askSoon(dialog, input))
  input.addEventListener("keydown", (event) => move(event, dialog, input))
}

function openPalette(event, dialog) {
  event.preventDefault()
  if (dialog.open) return dialog.close()
  dialog.showModal()
  const input = dialog.querySelector("input")
  input.select()
  askSoon(dialog, input, 0)
}

function askSoon(dialog, input, delay = DELAY) {
  clearTimeout(timer)
  timer = setTimeout(() => ask(dialog, input.value.trim()), delay)
}

async function ask(dialog, text) {
  const turn = ++asked
  const url = new URL(dialog.dataset.paletteUrl, location.href)
  url.searchParams.set("q", text)
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" })
    if (!answer.ok) throw new Error(String(answer.status))
    const { groups } = await answer.json()
    if (turn === asked) show(dialog, groups)
  } catch {
    if (turn === asked) showText(dialog, dialog.dataset.failed)
  }
}

function show(dialog, groups) {
  const results = dialog.querySelector("[role=listbox]")
  const filled = groups.filter((group) => group.items.length)
  if (!filled.length) return showText(dialog, dialog.dataset.empty)
  results.replaceChildren(...filled.map(renderGroup))
  results.querySelectorAll("[role=option]").forEach((option, index) => { option.id = `palette-${index}` })
  select(dialog, results.querySelector("[role=option]"))
}

function showText(dialog, text) {
  const note = Object.assign(document.createElement("p"), { className: "palette__empty", textContent: text })
  dialog.querySelector("[role=listbox]").replaceChildren(note)
  dialog.querySelector("input").removeAttribute("aria-activedescendant")
  announce(text)
}

function renderGroup(group) {
  const element = document.createElement("div")
  element.setAttribute("role", "group")
  element.setAttribute("aria-label", group.label)
  const label = Object.assign(document.createElement("div"), { className: "palette__group", textContent: group.label })
  label.setAttribute("aria-hidden", "true")
  element.append(label, ...group.items.map(renderItem))
  return element
}

// textContent and setAttribute only: names come from people and are never read as markup.
function renderItem(item) {
  const link = document.createElement("a")
  link.className = "palette__item"
  link.href = sameOrigin(item.url)
  link.tabIndex = -1
  link.setAttribute("role", "option")
  link.append(renderIcon(item.icon || "arrow-right"), Object.assign(document.createElement("span"), { textContent: item.label }))
  if (item.hint) link.append(Object.assign(document.createElement("span"), { className: "palette__hint", textContent: item.hint }))
  return link
}

function sameOrigin(url) {
  const target = new URL(url, location.href)
  return target.origin === location.origin ? target.href : "#"
}

function renderIcon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use")
  svg.setAttribute("class", "icon")
  svg.setAttribute("aria-hidden", "true")
  use.setAttribute("href", `${document.getElementById("palette").dataset.icons}#${name}`)
  svg.append(use)
  return svg
}

function move(event, dialog, input) {
  const options = [...dialog.querySelectorAll("[role=option]")]
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true")
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step && options.length) {
    event.preventDefault()
    select(dialog, options[(at + step + options.length) % options.length])
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault()
    if (options[at]) options[at].click()
    else input.form?.submit()
  }
}

function select(dialog, option) {
  for (const other of dialog.querySelectorAll("[aria-selected]")) other.removeAttribute("aria-selected")
  option.setAttribute("aria-selected", "true")
  option.scrollIntoView({ block: "nearest" })
  dialog.querySelector("input").setAttribute("aria-activedescendant", option.id)
}
