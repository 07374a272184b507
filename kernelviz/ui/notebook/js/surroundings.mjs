// The colours of a notebook, which each of them names otherwise: the ground below the canvas says whether it is dark.

const LIGHT = { primary: '#0b6e99', background: '#ffffff', text: '#1b2733', border: '#d5dde3' }
const DARK = { primary: '#5ab4dc', background: '#12181f', text: '#e3eaf0', border: '#31404e' }

/**
 * The variables of Streamlit's theme, by which the canvas is coloured.
 *
 * @param {Element} element
 * @returns {Record<string, string>}
 */
export function coloursAround(element) {
  const ground = groundOf(element)
  const [red, green, blue] = ground ?? [255, 255, 255]
  const { primary, background, text, border } = red * 0.3 + green * 0.59 + blue * 0.11 < 128 ? DARK : LIGHT
  return {
    '--st-primary-color': primary,
    '--st-background-color': ground ? `rgb(${red}, ${green}, ${blue})` : background,
    '--st-text-color': text,
    '--st-border-color': border,
  }
}

/**
 * The colour of the first element around one that covers what is behind it; null where none does.
 *
 * @param {Element} element
 */
function groundOf(element) {
  /** @type {Node | null} */
  let node = element
  while (node) {
    if (node instanceof Element) {
      const colour = rgbOf(getComputedStyle(node).backgroundColor)
      if (colour[3] === 255) return colour
    }
    node = node instanceof ShadowRoot ? node.host : node.parentNode
  }
  return null
}

/**
 * Red, green, blue and opacity, each up to 255.
 *
 * @param {string} colour any of CSS
 */
function rgbOf(colour) {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  if (!context) return [255, 255, 255, 255]
  context.fillStyle = colour
  context.fillRect(0, 0, 1, 1)
  return [...context.getImageData(0, 0, 1, 1).data]
}
