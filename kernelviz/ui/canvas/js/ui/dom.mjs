// Elements of the page. Text goes in as text, never as markup: names of files and classes are other people's.

/** @typedef {Record<string, unknown>} Properties */

/**
 * An element with properties (`class`, `aria-...` as attributes) and children.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'style')
      made.style.cssText = String(value) // which a content security policy allows
    else if (name in made && !name.includes('-')) Object.assign(made, { [name]: value })
    else made.setAttribute(name === 'className' ? 'class' : name, String(value))
  }
  made.append(...children)
  return made
}

/**
 * A button that does something, with a name for those who do not see its face.
 *
 * @param {Node | string} face
 * @param {string} name
 * @param {(event: MouseEvent) => void} onclick
 * @param {Properties} [properties]
 */
export function button(face, name, onclick, properties = {}) {
  return element('button', { type: 'button', title: name, 'aria-label': name, onclick, ...properties }, face)
}

/**
 * A picture with a line of text under it.
 *
 * @param {Node} picture
 * @param {string} caption
 */
export function figure(picture, caption) {
  return element('figure', {}, picture, element('figcaption', {}, caption))
}

/**
 * A name with its share as a bar, an item of a list.
 *
 * @param {string} name
 * @param {number} share
 * @param {string} value as it is written beside it
 * @param {Properties} [properties]
 */
export function bar(name, share, value, properties = {}) {
  const filled = element('span', { className: 'filled', style: `width: ${100 * share}%` })
  return element(
    'div',
    { role: 'listitem', ...properties },
    element('span', {}, name),
    element('span', { className: 'track' }, filled),
    element('output', {}, value),
  )
}

/**
 * A slider in a row with its name, its value, and what else there is.
 *
 * @param {string} name
 * @param {Properties} properties of the input
 * @param {...Node} others
 */
export function slider(name, properties, ...others) {
  const input = element('input', { type: 'range', ...properties })
  const output = element('output')
  const node = element('label', { className: 'slider' }, element('span', {}, name), input, output, ...others)
  return { node, input, output }
}

const SVG = 'http://www.w3.org/2000/svg'

/**
 * Lines on 20 x 20 as the face of a button, by their SVG path.
 *
 * @param {string} path
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 20 20')
  svg.setAttribute('aria-hidden', 'true')
  const line = document.createElementNS(SVG, 'path')
  line.setAttribute('d', path)
  svg.append(line)
  return svg
}
