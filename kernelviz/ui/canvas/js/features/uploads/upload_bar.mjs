// The ways to upload pictures, above the map, and how far they have come.

/** @import { UploadsTold } from '../../types.mjs' */
/** @import { Transfer } from './transfer.mjs' */

import { button, element } from '../../ui/dom.mjs'

/**
 * What the bar calls.
 *
 * @typedef {object} UploadBarHandle
 * @property {(input: HTMLInputElement) => void} add is called with an input whose files were chosen
 * @property {() => void} openCamera
 * @property {() => void} openPad
 * @property {() => void} stop
 * @property {() => void} goOn
 */

export class UploadBar {
  /**
   * @param {UploadsTold} told
   * @param {UploadBarHandle} handle
   */
  constructor({ allowed, digits }, handle) {
    const files = element('input', { type: 'file', multiple: true, hidden: true, 'aria-label': 'Pictures' })
    const folder = element('input', { type: 'file', webkitdirectory: true, hidden: true, 'aria-label': 'A folder' })
    for (const input of [files, folder]) input.onchange = () => handle.add(input)
    this.meter = element('progress', { max: 1, 'aria-label': 'Pictures placed' })
    this.count = element('span', { role: 'status' })
    this.stop = button('Cancel', 'Stop placing pictures', handle.stop)
    this.resume = button('Go on', 'Place the rest', handle.goOn)
    this.progress = element(
      'div',
      { className: 'progress', hidden: true },
      this.meter,
      this.count,
      this.stop,
      this.resume,
    )
    this.node = element(
      'div',
      { className: 'uploads' },
      button('Choose pictures', `Choose ${allowed}`, () => files.click(), { className: 'main' }),
      button('Choose a folder', 'Choose a folder of pictures', () => folder.click()),
      ...(navigator.mediaDevices ? [button('Camera', 'Take a picture', handle.openCamera)] : []),
      ...(digits ? [button('Sketch', 'Sketch a digit, and see where it goes', handle.openPad)] : []),
      element('span', { className: 'hint' }, 'or drop them anywhere on this page, or paste one'),
      this.progress,
      files,
      folder,
    )
  }

  /** @param {Transfer} transfer */
  show({ all, busy, done, halted, long }) {
    const words = `${done.toLocaleString('en')} of ${all.toLocaleString('en')} placed`
    this.progress.hidden = !long
    this.meter.value = all ? done / all : 0
    this.count.textContent = halted ? `Stopped: ${words}` : words
    this.stop.hidden = !busy
    this.resume.hidden = Boolean(busy)
  }
}
