// Maps laid over each other: turned, mirrored and shifted as depths.py says, by the rows [[a, b, c], [d, e, f]].

/** Places (x, y), in two arrays, put to a x + b y + c and d x + e y + f. */
export function placePoints(x, y, [[a, b, c], [d, e, f]]) {
  for (let i = 0; i < x.length; i++) {
    const [wasX, wasY] = [x[i], y[i]]
    x[i] = a * wasX + b * wasY + c
    y[i] = d * wasX + e * wasY + f
  }
}

/** The same for places in one array, x and y in turn; nothing where there is no placement. */
export function placeCorners(corners, placement) {
  if (!placement) return
  const [x, y] = [0, 1].map((axis) => corners.filter((_, at) => at % 2 === axis))
  placePoints(x, y, placement)
  x.forEach((value, i) => corners.set([value, y[i]], 2 * i))
}
