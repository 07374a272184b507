// The canvas as Streamlit sees it: shown, told again when its data change, and taken away.

/** @import { Component, PlaygroundTold, Told } from './types.mjs' */

import { Playground } from './features/playground.mjs'
import { MapViews } from './map_views.mjs'

/** @typedef {MapViews | Playground} Shown */

/** @type {WeakMap<HTMLElement, Shown>} by the element that each stands in */
const shown = new WeakMap()

/** @param {Component} component */
export function render({ parentElement, data, setStateValue }) {
  const known = shown.get(parentElement)
  if (isPlayground(data)) {
    if (known instanceof Playground) known.update(data)
    else shown.set(parentElement, new Playground(parentElement, data))
  } else if (known instanceof MapViews) known.update(data, setStateValue)
  else shown.set(parentElement, new MapViews(parentElement, data, setStateValue))
}

/** @param {HTMLElement} parentElement */
export function remove(parentElement) {
  shown.get(parentElement)?.remove()
  shown.delete(parentElement)
}

/**
 * @param {Told | PlaygroundTold} data
 * @returns {data is PlaygroundTold}
 */
function isPlayground(data) {
  return data.kind === 'playground'
}
