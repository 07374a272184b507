// What is done in one of several maps beside each other, in the others: they show the same images.

const WHOLE = 1.02 // zoom up to which all of a map is shown

/** Do something with the same image in the maps beside an app's; -1 is no image. */
export function echo(app, i, act) {
  for (const peer of app.peers) {
    if (peer.points) act(peer, i < 0 ? -1 : peer.points.positions[app.points.row[i]])
  }
}

/** Have the maps beside an app's look at the images that it shows. */
export function lead(app) {
  if (!app.points || !app.peers.length) return
  app.points.light([])
  const { points, view } = app
  const rows = view.zoom > WHOLE ? points.spatial.inBox(...view.bounds).map((i) => points.row[i]) : []
  for (const peer of app.peers) if (peer.points) peer.move(() => lookAt(peer, rows, view.zoom > WHOLE))
}

/** Show some images where they are, the others faintly; or all of the map. */
function lookAt({ points, view }, rows, near) {
  const its = points.at(rows)
  points.light(its)
  if (!near) view.fit()
  else if (its.length) view.frame(middles(points.x, its), middles(points.y, its))
}

/** The tenth and the ninetieth of a hundred of some values. */
function middles(values, its) {
  const sorted = Float32Array.from(its, (i) => values[i]).sort()
  return [0.1, 0.9].map((share) => sorted[Math.round(share * (sorted.length - 1))])
}
