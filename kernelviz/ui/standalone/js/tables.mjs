// What the page knows of some images, as a table.

/** @import { KnownImages } from './known.mjs' */

import { valueAt } from '../../canvas/js/core/colours.mjs'

const FORMULA = /^[=+\-@\t\r]/ // how a text begins that a spreadsheet would compute

/** @typedef {Record<string, string | number | null>} Row */

/**
 * @param {KnownImages} known
 * @param {string} split
 * @param {number[]} rows
 * @returns {Promise<Row[]>}
 */
export async function rowsOf(known, split, rows) {
  const { packed, indices } = await known.points(split)
  const items = await known.items(split)
  const { classes } = known.told(split)
  const { arrays, facts } = packed
  return rows
    .filter((row) => indices[row] >= 0)
    .map((row) => {
      const i = indices[row]
      const sure = valueAt(arrays.confidence, facts.scales.confidence, i)
      return {
        split,
        index: row,
        ...(facts.names ? { name: facts.names[row] } : {}),
        x: rounded(arrays.x[i]),
        y: rounded(arrays.y[i]),
        label: classes[arrays.label[i]] ?? null,
        prediction: classes[arrays.prediction[i]] ?? null,
        confidence: Number.isNaN(sure) ? null : rounded(sure),
        ...Object.fromEntries(items?.described[row] ?? []),
      }
    })
}

/** @param {number} value */
function rounded(value) {
  return Number(value.toFixed(4))
}

/** @param {Row[]} rows */
export function jsonOf(rows) {
  return JSON.stringify(rows, null, 1)
}

/** @param {Row[]} rows */
export function csvOf(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))]
  return lines.map((line) => line.map(written).join(',') + '\n').join('')
}

/** @param {string | number} value */
function written(value) {
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
