// The colours of the page, which Streamlit hands to a component as CSS variables.

/** @import { Theme } from '../types.mjs' */

import { pixel } from '../core/colours.mjs'
import { contextOf } from '../core/raster.mjs'

/**
 * @param {Element} root
 * @returns {Theme}
 */
export function themeOf(root) {
  const style = getComputedStyle(root)
  const paper = style.getPropertyValue('--st-background-color').trim() || '#ffffff'
  const ink = style.getPropertyValue('--st-text-color').trim() || '#000000'
  const context = contextOf(new OffscreenCanvas(1, 1))
  context.fillStyle = paper // any colour of CSS; it comes back as #rrggbb
  const font = style.getPropertyValue('--st-font').trim() || 'sans-serif'
  return { paper, ink, background: pixel(String(context.fillStyle)), font }
}
