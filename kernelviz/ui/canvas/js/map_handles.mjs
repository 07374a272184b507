// What each part of a map is given of it: a handle with what it needs, and no more. All handles are made here.

/** @import { ContoursHandle } from './features/contours.mjs' */
/** @import { InspectorHandle } from './features/inspector/inspector.mjs' */
/** @import { JourneyHandle } from './features/journey.mjs' */
/** @import { KeptHandle } from './features/kept_selections.mjs' */
/** @import { LargeMapHandle } from './features/large_map.mjs' */
/** @import { LinkedMap } from './features/linked_views.mjs' */
/** @import { MemoryHandle } from './features/memory.mjs' */
/** @import { PointedHandle } from './features/pointed.mjs' */
/** @import { ProbeHandle } from './features/probe.mjs' */
/** @import { SelectedHandle } from './features/selected_bar.mjs' */
/** @import { UploadsHandle } from './features/uploads/uploads.mjs' */
/** @import { MapCanvas } from './map_canvas.mjs' */
/** @import { KeysHandle } from './ui/keys.mjs' */
/** @import { ToolbarHandle } from './ui/toolbar.mjs' */
/** @import { ToolsHandle } from './ui/tools.mjs' */

import { helpOf } from './ui/keys.mjs'

/**
 * @param {MapCanvas} map
 * @returns {ContoursHandle}
 */
export function contoursHandle(map) {
  return {
    name: () => map.name,
    address: () => `${map.map.base}/contours/${map.told.split}`,
    placement: () => map.map.placement,
    changed: (shown) => (map.toolbar.showContours(shown), map.redraw('over'), map.memory?.change()),
    note: map.note,
  }
}

/**
 * @param {MapCanvas} map
 * @returns {ProbeHandle}
 */
export function probeHandle(map) {
  return {
    told: () => map.told,
    address: () => map.map.base,
    nearest: (x, y, n) => map.nearest(x, y, n),
    redraw: map.redraw,
    announce: (words) => map.stage.announce(words),
    note: map.note,
    tell: (name, value) => map.tell(name, value),
  }
}

/**
 * @param {MapCanvas} map
 * @returns {UploadsHandle}
 */
export function uploadsHandle(map) {
  return {
    told: () => map.told,
    address: () => map.map.base,
    marks: map.marks,
    showDropping: (over) => void map.stage.node.classList.toggle('dropping', over),
    reveal: (x, y) => map.reveal(x, y),
    note: map.note,
    tell: (name, value) => map.tell(name, value),
  }
}

/**
 * @param {MapCanvas} map
 * @returns {InspectorHandle}
 */
export function inspectorHandle(map) {
  return {
    told: () => map.told,
    address: () => map.map.base,
    points: () => map.points,
    sheets: () => map.sheets,
    thumbnails: () => map.thumbnails,
    rows: () => map.selection.rows,
    pinned: () => map.pinned,
    focus: () => map.focus,
    redraw: () => map.redraw('over'),
    hover: (i) => map.hover(i),
    pin: (i) => map.pin(i),
    select: (list, inView) => {
      if (map.pinned >= 0) map.pin(-1)
      map.select(list, false)
      if (inView) map.navigate(() => map.view.fit())
    },
    restore: (id) => void map.restoreSelection(id),
    kept: map.kept,
    say: (words) => map.stage.remark(words),
    note: map.note,
  }
}

/**
 * @param {MapCanvas} map
 * @returns {MemoryHandle}
 */
export function memoryHandle(map) {
  return {
    now: () => map.moment,
    become: (moment) => void (map.moment = moment),
    keep: (rows) => map.kept.keep(rows),
    rowsOf: (id) => map.kept.rowsOf(id),
    changed: (undo, redo) => map.toolbar.showMemory(undo, redo),
    note: (words) => map.note(words),
  }
}

/**
 * @param {MapCanvas} map
 * @returns {LargeMapHandle}
 */
export function largeHandle(map) {
  return {
    told: () => map.told,
    address: () => map.map.base,
    view: map.view,
    points: () => map.points,
    took: (packed) => map.take(packed),
    counted: () => map.showCounts(),
    changed: () => map.redraw('dots', 'over'),
    remember: () => map.memory?.change(),
    named: () => map.named(),
    selected: (n, table) => map.showSelectedOfMany(n, table),
    note: map.note,
  }
}

/**
 * @param {MapCanvas} map
 * @returns {SelectedHandle}
 */
export function selectedHandle(map) {
  return {
    clear: () => map.large?.select(),
    keep: (name) => map.kept.keepLasso(map.large?.within ?? '', name),
    say: (words) => map.stage.remark(words),
    note: map.note,
  }
}

/**
 * @param {MapCanvas} map
 * @returns {KeptHandle}
 */
export function keptHandle(map) {
  return { told: () => map.told, address: () => map.map.base }
}

/**
 * @param {MapCanvas} map
 * @returns {JourneyHandle}
 */
export function journeyHandle(map) {
  return { told: () => map.told, marks: map.marks, recolour: () => map.recolour() }
}

/**
 * @param {MapCanvas} map
 * @returns {PointedHandle}
 */
export function pointedHandle(map) {
  return { told: () => map.told, address: () => map.map.base, changed: () => map.redraw('over') }
}

/**
 * @param {MapCanvas} map
 * @returns {ToolsHandle}
 */
export function toolsHandle(map) {
  return {
    view: map.view,
    marks: map.marks,
    points: () => map.points,
    pointAt: (at) => map.pointAt(at),
    navigate: map.navigate,
    hover: (i) => map.hover(i),
    nameAt: (at) => map.landmarks?.groupAt(at) ?? -1,
    pointToName: (group) => map.pointToName(group),
    showAlone: (group) => map.linked.toggleGroup(group, true),
    pointTo: (empty) => map.pointed?.point(empty),
    scrolled: () => map.stage.remark('Use two fingers to move the map'),
    pin: (i) => map.pin(i),
    select: (list, add) => map.select(list, add),
    within: map.large && ((outline) => map.large?.select(outline)),
    chooseMark: (mark) => map.uploads?.chooseMark(mark),
    probe: map.probe,
    selectable: map.selectable,
    redraw: map.redraw,
  }
}

/**
 * @param {MapCanvas} map
 * @returns {KeysHandle}
 */
export function keysHandle(map) {
  return {
    view: map.view,
    navigate: map.navigate,
    step: (direction) => map.step(direction),
    pinFocused: () => map.pin(map.focus),
    toggleFocused: () => map.toggleFocused(),
    escape: () => map.escape(),
    selectable: map.selectable,
    probe: map.probe,
    memory: map.memory,
  }
}

/**
 * @param {MapCanvas} map
 * @returns {ToolbarHandle}
 */
export function toolbarHandle(map) {
  return {
    choose: (tool) => map.linked.choose(tool),
    toggleContours: () => map.linked.toggleContours(),
    zoom: (factor) => map.navigate(() => map.view.zoomBy(factor)),
    fit: () => map.navigate(() => map.view.fit()),
    save: () => map.stage.save(`${map.map.base.split('/').at(-2)}_${map.told.split}.png`),
    help: () => map.note(helpOf(map.told)),
    memory: map.memory && {
      undo: () => map.memory?.undo(),
      redo: () => map.memory?.redo(),
      copyLink: () => void map.copyLink(),
    },
  }
}

/**
 * @param {MapCanvas} map
 * @returns {LinkedMap}
 */
export function linkedMapOf(map) {
  return {
    view: map.view,
    points: () => map.points,
    move: (change) => map.move(change),
    show: (focus) => map.show(focus),
    choose: (tool) => map.choose(tool),
    toggleContours: () => map.contours.toggle(),
    toggleGroup: (group, alone) => (
      map.changePoints((points) => points.toggleGroup(group, alone)),
      map.memory?.change()
    ),
  }
}
