// The kernels K(u, v) of kernels.py on the plane, and the field that some inputs make with them.

const dot = ([a, b], [c, d]) => a * c + b * d
const squared = ([a, b], [c, d]) => (a - c) ** 2 + (b - d) ** 2

/** By name: what it is called, its formula, and K(u, v) for a width; `radial` ones have one. */
export const KERNELS = {
  gaussian: {
    name: 'Gaussian',
    formula: 'exp(−|u − v|² / s²)',
    radial: true,
    of: (u, v, width) => Math.exp(-squared(u, v) / width ** 2),
  },
  finite_support: {
    name: 'Finite support',
    formula: 'max(0, 1 − |u − v|² / s²)',
    radial: true,
    of: (u, v, width) => Math.max(0, 1 - squared(u, v) / width ** 2),
  },
  polynomial: { name: 'Polynomial', formula: '(⟨u, v⟩ + 1)²', of: (u, v) => (dot(u, v) + 1) ** 2 },
  dot_product: { name: 'Dot product', formula: '⟨u, v⟩', of: dot },
  tanh: { name: 'Tanh', formula: 'tanh ⟨u, v⟩', of: (u, v) => Math.tanh(dot(u, v)) },
}

/** sum_i alpha_i K(u_i, v) at every unit of a grid, inputs [{ x, y, alpha }] all being 1. Eq. (1). */
export function field(inputs, kernel, width, grid) {
  const { of } = KERNELS[kernel]
  const out = new Float32Array(grid.x.length * grid.y.length)
  let at = 0
  for (const y of grid.y) {
    for (const x of grid.x) {
      let sum = 0
      for (const input of inputs) sum += input.alpha * of([input.x, input.y], [x, y], width)
      out[at++] = sum
    }
  }
  return out
}

/** The place of an activation's center of mass, null where it is zero everywhere. Eq. (10). */
export function centerOfMass(activation, grid) {
  let [sum, x, y] = [0, 0, 0]
  activation.forEach((value, at) => {
    sum += value
    x += value * grid.x[at % grid.x.length]
    y += value * grid.y[Math.floor(at / grid.x.length)]
  })
  return sum > 0 ? { x: x / sum, y: y / sum } : null
}
