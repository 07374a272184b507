// Elements of the page. Text goes in as text, never as markup: names of files and classes are other people's.

/** An element with properties (`class`, `style` and `aria-...` as attributes) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && !name.includes('-') && name !== 'style') made[name] = value
    else made.setAttribute(name === 'className' ? 'class' : name, value)
  }
  made.append(...children)
  return made
}

/** A button that does something, with a name for those who do not see its face. */
export function button(face, name, onclick, properties = {}) {
  return element('button', { type: 'button', title: name, 'aria-label': name, onclick, ...properties }, face)
}

const NAMES = 'http://www.w3.org/2000/svg'

/** A line drawing of 20 x 20 as the face of a button, by its SVG path. */
export function icon(path) {
  const svg = document.createElementNS(NAMES, 'svg')
  svg.setAttribute('viewBox', '0 0 20 20')
  svg.setAttribute('aria-hidden', 'true')
  const line = document.createElementNS(NAMES, 'path')
  line.setAttribute('d', path)
  svg.append(line)
  return svg
}
