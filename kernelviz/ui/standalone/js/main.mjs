// A page without a server begins: what is in it answers for one.

/** @import { Facts } from './types.mjs' */

import { useAddressBar } from '../../canvas/js/core/address.mjs'
import { answerHere } from '../../canvas/js/core/asking.mjs'
import { element } from '../../canvas/js/ui/dom.mjs'
import { answersOf } from './answers.mjs'
import { HASH_BAR } from './hash.mjs'
import { KnownImages } from './known.mjs'
import { Page } from './page.mjs'
import { Placing } from './placing.mjs'
import { Store } from './store.mjs'

/** @type {Facts} */
const facts = JSON.parse(document.getElementById('facts')?.textContent ?? '{}')
const known = new KnownImages(facts, new Store(facts.files))
const placing = facts.place && new Placing(known, facts.place, (names) => page.reject(names))
answerHere(answersOf(known, placing))
useAddressBar(HASH_BAR)

const host = element('div', { className: 'canvas' })
const shadow = host.attachShadow({ mode: 'open' })
const style = document.querySelector('template')?.content
if (style) shadow.append(style.cloneNode(true))
const page = new Page(document.getElementById('page') ?? document.body, shadow, known, placing)
