// The canvas as Streamlit sees it: shown, told again when its data change, and taken away.

/** @import { Component, FilmTold, PlaygroundTold } from './types.mjs' */

import { Film } from './features/film/film.mjs'
import { Playground } from './features/playground.mjs'
import { MapViews } from './map_views.mjs'

/** @typedef {MapViews | Playground | Film} Shown */

/** @type {WeakMap<HTMLElement, Shown>} by the element that each stands in */
const shown = new WeakMap()

/** @param {Component} component */
export function render({ parentElement, data, setStateValue, setTriggerValue }) {
  const known = shown.get(parentElement)
  if (isPlayground(data)) {
    if (known instanceof Playground) known.update(data)
    else shown.set(parentElement, new Playground(parentElement, data))
  } else if (isFilm(data)) {
    if (known instanceof Film && known.told.address === data.address) known.update(data)
    else {
      known?.remove() // a film of something else
      shown.set(parentElement, new Film(parentElement, data, () => setTriggerValue('ended', true)))
    }
  } else if (known instanceof MapViews) known.update(data, setStateValue)
  else shown.set(parentElement, new MapViews(parentElement, data, setStateValue))
}

/** @param {HTMLElement} parentElement */
export function remove(parentElement) {
  shown.get(parentElement)?.remove()
  shown.delete(parentElement)
}

/**
 * @param {Component['data']} data
 * @returns {data is PlaygroundTold}
 */
function isPlayground(data) {
  return data.kind === 'playground'
}

/**
 * @param {Component['data']} data
 * @returns {data is FilmTold}
 */
function isFilm(data) {
  return data.kind === 'film'
}
