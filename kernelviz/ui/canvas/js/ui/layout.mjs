// The elements that a map is made of.

import { Card } from './card.mjs'
import { element } from './dom.mjs'
import { listen } from './gestures.mjs'
import { Intake } from '../features/uploads/uploads.mjs'
import { Journey } from '../features/journey.mjs'
import { helpOf } from './keys.mjs'
import { Legend } from './legend.mjs'
import { Probing } from '../features/probe.mjs'
import { Overview, Scene } from './scene.mjs'
import { Toolbar } from './toolbar.mjs'
import { gesturesOf, overviewGestures } from './tools.mjs'

/** Put the elements of an app into the page, and connect them with it. */
export function lay(app, parent) {
  const { data } = app
  stage(app)
  app.legend = new Legend((group, alone) => {
    for (const one of app.all) one.changePoints(() => one.points?.toggleGroup(group, alone))
  })
  app.live = element('p', { className: 'live', 'aria-live': 'polite' })
  const tools = data.probe ? ['probe', 'path', 'pan'] : data.intake ? ['pan'] : ['pan', 'box', 'lasso']
  app.toolbar = new Toolbar(tools, {
    app,
    choose: (tool) => app.all.forEach((one) => one.choose(tool)),
    toggleLines: () => app.all.forEach((one) => one.toggleLines()),
  })
  const left = element('div', { className: 'left' }, app.toolbar.node, app.stage, app.legend.node)
  app.root = element('div', { className: 'root' }, left, app.live)
  if (data.probe) {
    app.probing = new Probing(app)
    left.append(app.probing.panel.trail)
    app.root.append(app.probing.panel.node)
    app.root.classList.add('beside', 'probing')
  }
  if (data.intake) {
    app.intake = new Intake(app)
    left.prepend(app.intake.bar)
    app.root.append(app.intake.panel)
    app.root.classList.add('beside')
  }
  if (data.stages) {
    app.journey = new Journey(app)
    app.legend.node.before(app.journey.node)
  }
  parent.append(app.root)
  app.choose(tools[0])
}

/** The map itself: points, what lies over them, the overview, the card, and a word while there is nothing to see. */
function stage(app) {
  const { data } = app
  const label = `Map of ${data.what}. ${helpOf(data)}`
  app.dots = element('canvas', { className: 'dots', 'aria-hidden': 'true' })
  app.over = element('canvas', { className: 'over', tabIndex: 0, role: 'application', 'aria-label': label })
  app.small = element('canvas', { className: 'overview', hidden: true, 'aria-hidden': 'true' })
  app.status = element('div', { className: 'status', role: 'status' })
  app.stage = element('div', { className: 'stage' }, app.dots, app.over, app.small, app.status)
  app.notes = element('div', { className: 'notes' })
  app.stage.append(app.notes)
  app.pinnedCard = new Card(app.stage, () => app.pin(-1))
  app.card = new Card(app.stage)
  app.scene = new Scene(app.dots)
  app.overview = new Overview(app.small, data.extent)
  listen(app.over, gesturesOf(app))
  listen(app.small, overviewGestures(app))
  app.over.ondblclick = () => app.moved(() => app.view.fit())
  app.over.onkeydown = (event) => app.key(event)
  app.over.onblur = () => app.hover(-1)
}
