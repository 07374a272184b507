// The canvas in a notebook, as anywidget has it: what a server would answer, the kernel does.

/** @import { Heard, Told } from '../../canvas/js/types.mjs' */

import { useAddressBar } from '../../canvas/js/core/address.mjs'
import { answerHere } from '../../canvas/js/core/asking.mjs'
import { remove, render as show } from '../../canvas/js/main.mjs'
import { coloursAround } from './surroundings.mjs'

/**
 * What anywidget gives of the widget in Python.
 *
 * @typedef {object} Model
 * @property {(name: string) => unknown} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(message: object) => void} send
 * @property {(event: string, listener: Listener) => void} on
 * @property {(event: string, listener: Listener) => void} off
 */

/** @typedef {(said: Answered, buffers: DataView<ArrayBuffer>[]) => void} Listener */

/** @typedef {{ answer: string, status: number, kind: string }} Answered */

const PATIENCE = 60_000 // ms: how long the kernel may take to answer

/** @type {Map<string, Model>} the models of the widgets on the page, by their names */
const models = new Map()

/** @type {Map<string, (response: Response) => void>} who waits for an answer */
const waiting = new Map()

answerHere(ask)
useAddressBar({
  read: () => new URL('http://notebook/'),
  write: () => {},
  link: () => '',
  toPage: () => '',
})

/** @param {{ model: Model, el: HTMLElement }} given */
function render({ model, el }) {
  const host = document.createElement('div')
  host.dataset.lmSuppressShortcuts = 'true' // JupyterLab's keys would act on the cell
  host.tabIndex = -1
  el.append(host)
  const shadow = host.attachShadow({ mode: 'open' })
  const [style, parent] = [document.createElement('style'), document.createElement('div')]
  style.textContent = String(model.get('styles'))
  shadow.append(style, parent)
  models.set(nameOf(model), model)
  const update = () => {
    host.style.setProperty('--height', `${model.get('height')}px`)
    for (const [name, colour] of Object.entries(coloursAround(el))) host.style.setProperty(name, colour)
    show({ parentElement: parent, data: toldBy(model), setStateValue: tell, setTriggerValue: () => {} })
  }
  /**
   * @template {keyof Heard} Name
   * @param {Name} name
   * @param {Heard[Name]} value
   */
  const tell = (name, value) => {
    model.set('heard', { .../** @type {Heard} */ (model.get('heard')), [name]: value })
    model.save_changes()
  }
  const stop = (/** @type {Event} */ event) => event.stopPropagation()
  for (const kind of ['keydown', 'keyup', 'keypress']) host.addEventListener(kind, stop)
  model.on('msg:custom', receive)
  model.on('change:told', update)
  model.on('change:height', update)
  const themes = new MutationObserver(update)
  for (const node of [document.documentElement, document.body]) {
    themes.observe(node, { attributeFilter: ['class', 'style', 'data-jp-theme-light', 'data-theme'] })
  }
  requestAnimationFrame(update) // once the cell is on the page
  return () => {
    themes.disconnect()
    model.off('msg:custom', receive)
    model.off('change:told', update)
    model.off('change:height', update)
    remove(parent)
    host.remove()
  }
}

/** @param {Model} model */
function toldBy(model) {
  return /** @type {Told} */ (model.get('told'))
}

/** @param {Model} model */
function nameOf(model) {
  return toldBy(model).maps[0].base.split('/')[1]
}

/**
 * Ask the kernel, as a page asks a server.
 *
 * @param {string} address
 * @returns {Promise<Response>}
 */
function ask(address) {
  const model = models.get(address.split('/')[1])
  if (!model) return Promise.reject(new Error('The kernel is not there any more. Run the cell again.'))
  const name = `${Math.random()} ${performance.now()}`
  return new Promise((answer, reject) => {
    const late = () => {
      waiting.delete(name)
      reject(new Error('The kernel does not answer. Is it busy, or was it restarted?'))
    }
    const timer = setTimeout(late, PATIENCE)
    waiting.set(name, (response) => {
      clearTimeout(timer)
      waiting.delete(name)
      answer(response)
    })
    model.send({ ask: name, address })
  })
}

/**
 * @param {Answered} said
 * @param {DataView<ArrayBuffer>[]} buffers
 */
function receive({ answer, status, kind }, buffers) {
  const [content] = buffers ?? []
  const body = status === 204 ? null : content
  waiting.get(answer)?.(new Response(body, { status, headers: { 'Content-Type': kind } }))
}

export default { render }
