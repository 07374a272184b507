// The canvas as Streamlit sees it: shown, told again when its data change, and taken away.

import { App } from './map_canvas.mjs'
import { Linked } from './features/linked_views.mjs'
import { Playground } from './features/playground.mjs'

const apps = new WeakMap() // by the element that each stands in

export function render({ parentElement, data, setStateValue }) {
  const known = apps.get(parentElement)
  if (known) known.update(data, setStateValue)
  else apps.set(parentElement, new (kindOf(data))(parentElement, data, setStateValue))
}

export function remove(parentElement) {
  apps.get(parentElement)?.remove()
  apps.delete(parentElement)
}

function kindOf(data) {
  if (data.playground) return Playground
  return data.maps ? Linked : App
}
