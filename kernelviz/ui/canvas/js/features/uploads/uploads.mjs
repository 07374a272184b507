// Pictures on their way in: sent to the server some at a time, and where they land, as marks on the map.

import { Camera } from './camera.mjs'
import { Details } from './details.mjs'
import { button, element } from '../../ui/dom.mjs'
import { chosen, dropped, pasted } from './dropped_files.mjs'
import { Pad } from './sketch_pad.mjs'
import { Transfer, asked } from './transfer.mjs'

const OFTEN = 1000 // ms between two words to Python while it goes on

export class Intake {
  constructor(app) {
    this.app = app
    ;[this.turn] = this.data.picked
    this.transfer = new Transfer({
      ask: (address, options) => this.ask(address, options),
      onMap: () => this.onMap,
      landed: (rows) => this.rows.push(...rows.map((row) => this.marked(row))),
      changed: () => (this.show(), this.tell(this.transfer.busy ? OFTEN : 0)),
      finished: () => this.finished(),
      lost: (names) => app.note(`${names.length} files cannot be read any more, ${names[0]} first; choose them again.`),
      address: this.data.address,
      failed: (why) => app.note(`The pictures could not be placed. ${why}`, () => this.transfer.goOn()),
    })
    this.forget()
    this.details = new Details((step) => this.chooseNext(step))
    this.input = element('input', { type: 'file', multiple: true, hidden: true, 'aria-label': 'Pictures' })
    this.folder = element('input', { type: 'file', webkitdirectory: true, hidden: true, 'aria-label': 'A folder' })
    for (const input of [this.input, this.folder]) input.onchange = () => this.add(chosen(input))
    this.pad = new Pad({ changed: (picture) => this.draw(picture), keep: (picture) => this.keep('drawing', picture) })
    this.camera = new Camera({ keep: (picture) => this.keep('camera', picture), failed: (why) => app.note(why) })
    this.laid()
    this.listening = new AbortController()
    const listen = (name, on) => document.addEventListener(name, on, { signal: this.listening.signal })
    listen('dragover', (event) => this.dragged(event, true))
    listen('dragleave', (event) => event.relatedTarget || this.dragged(event, false))
    listen('drop', (event) => this.drop(event))
    listen('paste', (event) => this.paste(event))
    // Else the files would stay for minutes; a page that the browser keeps may come back to them.
    const leave = ({ persisted }) => persisted || navigator.sendBeacon(`${this.data.address}/end`)
    window.addEventListener('pagehide', leave, { signal: this.listening.signal })
    if (this.data.total || this.transfer.waiting.files.length) this.transfer.goOn()
  }

  laid() {
    this.meter = element('progress', { max: 1, 'aria-label': 'Pictures placed' })
    this.count = element('span', { role: 'status' })
    this.stop = button('Cancel', 'Stop placing pictures', () => this.transfer.stop())
    this.resume = button('Go on', 'Place the rest', () => this.transfer.goOn())
    this.progress = element('div', { className: 'progress', hidden: true }, this.meter, this.count, this.stop, this.resume)
    this.bar = element(
      'div',
      { className: 'intake' },
      button('Choose pictures', `Choose ${this.data.allowed}`, () => this.input.click(), { className: 'main' }),
      button('Choose a folder', 'Choose a folder of pictures', () => this.folder.click()),
      ...(navigator.mediaDevices ? [button('Camera', 'Take a picture', () => this.open(this.camera))] : []),
      ...(this.data.digits ? [button('Draw', 'Draw a digit, and see where it goes', () => this.open(this.pad))] : []),
      element('span', { className: 'hint' }, 'or drop them anywhere on this page, or paste one'),
      this.progress,
      this.input,
      this.folder,
    )
    this.empty = element(
      'p',
      { className: 'hint' },
      'Nothing is uploaded yet. Scans, screenshots, photographs: each picture gets its place by one forward pass, and ' +
        'the map does not change.',
    )
    this.panel = element('div', { className: 'panel' }, this.empty, this.pad.node, this.camera.node, this.details.node)
  }

  get data() {
    return this.app.data.intake
  }

  /** What a map is called on the server, with the way in which pictures are prepared for it. */
  get onMap() {
    const { base, intake } = this.app.data
    return `${base.replace('/kernelviz/runs/', '')}/${intake.way}`
  }

  forget() {
    this.rows = []
    this.chosen = this.live = null
    this.of = `${this.onMap} ${this.data.turn}`
    this.show()
  }

  /** Begin anew; what was chosen stays so, if there is still the same. */
  begin() {
    const { chosen } = this
    const same = this.of.endsWith(` ${this.data.turn}`)
    this.transfer.forget()
    if (!same && !this.data.total) this.transfer.drop() // all were removed, what is still to come among them
    this.forget()
    if (this.pad.node.hidden) this.choose(chosen && same ? { ...chosen, x: null } : null, false)
    else this.pad.again()
  }

  /** Python has said something: of another map, or of another way to it, everything is asked for again. */
  update() {
    if (this.of !== `${this.onMap} ${this.data.turn}`) this.begin()
    const { waiting, total, halted } = this.transfer
    if ((waiting.files.length || this.data.total > total) && !halted) this.transfer.goOn()
    const [turn, picked] = this.data.picked
    if (turn === this.turn) return
    this.turn = turn
    const row = this.rows.find(({ number }) => number === picked)
    if (row && row !== this.chosen) this.choose(row, false)
  }

  // Ways in

  /** Open the sheet or the camera and close the other, or close it. */
  open(one) {
    for (const other of [this.pad, this.camera]) other.show(other === one && other.node.hidden)
    this.show()
    if (!this.pad.node.hidden) return
    this.live = null
    this.choose(this.chosen, false)
  }

  add(files) {
    const large = files.filter(({ file }) => file.size > this.most(file))
    if (large.length) this.app.note(tooLarge(large, (file) => this.most(file)))
    this.transfer.add(files.filter(({ file }) => file.size <= this.most(file)))
  }

  most({ name }) {
    return name.toLowerCase().endsWith('.zip') ? this.data.largestArchive : this.data.largest
  }

  keep(kind, picture) {
    this.made = (this.made ?? 0) + 1
    this.wanted = true
    const file = new File([picture], `${kind} ${this.made}`, { type: picture.type })
    this.add([{ name: `${file.name}.${picture.type === 'image/png' ? 'png' : 'jpg'}`, file }])
  }

  dragged(event, over) {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    this.app.stage.classList.toggle('dropping', over)
  }

  async drop(event) {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    this.app.stage.classList.remove('dropping')
    try {
      this.add(await dropped(event.dataTransfer))
    } catch (error) {
      this.app.note(`What was dropped cannot be read. ${error.message}`)
    }
  }

  paste(event) {
    const files = pasted(event.clipboardData)
    if (!files.length) return
    event.preventDefault()
    this.add(files)
  }

  // Where they land

  ask(address, options) {
    return asked(`${this.data.address}/${address}`, options)
  }

  marked({ number, name, x, y, prediction, confidence, foreign }) {
    const taken = prediction === null ? [] : [`taken for ${prediction}, ${percent(confidence)}`]
    const says = [...taken, ...(foreign ? ['foreign to this map'] : [])]
    const [, colour] = this.app.data.palettes.prediction.find(([known]) => known === prediction) ?? []
    const picture = `${this.data.address}/pictures/${number}?${this.data.turn}`
    return { number, name, x, y, says, foreign, confidence, colour, picture }
  }

  finished() {
    if (!this.rows.length) return
    const again = this.chosen && this.rows.find(({ number }) => number === this.chosen.number)
    if (this.wanted) this.choose(this.rows.at(-1))
    else if (again) this.chosen = again
    else if (this.pad.node.hidden) this.choose(doubtful(this.rows))
    this.wanted = false
  }

  /** Tell Python how far it has come, if it has not heard for some time. */
  tell(after) {
    const now = performance.now()
    const what = `${this.of} ${this.transfer.done}`
    if (!this.transfer.done || what === this.what || now - (this.told ?? 0) < after) return
    this.told = now
    this.what = what
    this.app.tell('landed', what)
  }

  // What is seen of it

  show() {
    const { app } = this
    app.marks = [...this.rows, ...(this.live ? [this.live] : [])].filter(({ x }) => x !== null)
    app.chosen = this.chosen && this.chosen.x !== null ? this.chosen : null
    app.redraw('over')
    if (this.progress) this.showProgress(this.transfer)
  }

  showProgress({ all, busy, done, halted, long }) {
    const words = `${done.toLocaleString('en')} of ${all.toLocaleString('en')} placed`
    this.progress.hidden = !long
    this.empty.hidden = all > 0 || !this.pad.node.hidden || !this.camera.node.hidden
    this.meter.value = all ? done / all : 0
    this.count.textContent = halted ? `Stopped: ${words}` : words
    this.stop.hidden = !busy
    this.resume.hidden = Boolean(busy)
  }

  async choose(row, tell = true) {
    if (row && row === this.live) return // what is being drawn is looked at already
    this.pad.show(false)
    this.live = null
    this.chosen = row
    this.show()
    if (!row) return this.details.show(null)
    if (row.x !== null && !this.app.view.shows(row.x, row.y)) this.app.moved(() => this.app.view.lookAt(row.x, row.y))
    if (tell) this.app.tell('chosen', [Date.now(), row.number])
    const { of } = this
    const wanted = () => this.of === of && this.chosen?.number === row.number
    await this.look(`details/${this.onMap}/${row.number}`, {}, wanted)
  }

  chooseNext(step) {
    const at = this.rows.indexOf(this.chosen)
    this.choose(this.rows[(at + step + this.rows.length) % this.rows.length])
  }

  /** What is being drawn, while it is: its place on the map follows; null when there is nothing. */
  async draw(picture) {
    if (!picture) {
      this.live = null
      this.details.show(null)
      return this.show()
    }
    const seen = await this.look(`drawing/${this.onMap}`, { method: 'POST', body: picture }, () => !this.pad.node.hidden)
    if (!seen || this.pad.empty) return
    this.chosen = null
    this.live = { name: 'drawing', x: seen.x, y: seen.y, says: [], image: this.pad.sheet }
    this.show()
  }

  /** Ask what a network makes of a picture, and show it if it is still wanted then. */
  async look(address, options, wanted) {
    try {
      const seen = await this.ask(address, options)
      if (!wanted()) return null
      this.details.show(seen, this.rows.length > 1 && !options.body)
      return seen
    } catch (error) {
      if (wanted()) this.app.note(error.message)
      return null
    }
  }

  remove() {
    this.listening.abort()
    this.transfer.forget()
    this.camera.show(false)
  }
}

/** The foreign one, else the least confident. */
function doubtful(rows) {
  const doubt = ({ foreign, confidence }) => Number(foreign) + 1 - (confidence ?? 0)
  return rows.reduce((most, row) => (doubt(row) > doubt(most) ? row : most))
}

function tooLarge(files, most) {
  const [{ name, file }] = files
  const others = files.length > 1 ? ` and ${files.length - 1} more are` : ' is'
  return `${name}${others} not taken: it has ${megabytes(file.size)}, allowed are ${megabytes(most(file))}.`
}

function megabytes(bytes) {
  return `${Number((bytes / 1e6).toPrecision(3))} MB`
}

export function percent(share) {
  return `${Math.round(100 * share)} %`
}
