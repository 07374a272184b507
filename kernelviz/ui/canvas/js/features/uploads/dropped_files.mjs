// Files that a person drops, pastes or chooses: [{ name, file }], those of a folder by their way in it, without hidden ones.

export async function dropped(transfer) {
  const entries = Array.from(transfer.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (!entries.length) return Array.from(transfer.files, named)
  const found = []
  for (const entry of entries) await walk(entry, '', found)
  return found
}

export function pasted(clipboard) {
  const number = (at) => (clipboard.files.length > 1 ? ` ${at + 1}` : '')
  return Array.from(clipboard?.files ?? [], (file, at) => ({ name: `pasted${number(at)}.${ending(file)}`, file }))
}

export function chosen(input) {
  const found = Array.from(input.files, named).filter(({ name }) => !hidden(name))
  input.value = '' // the same files may be chosen again
  return found.sort(byName)
}

async function walk(entry, above, found) {
  const name = above + entry.name
  if (hidden(entry.name)) return
  if (entry.isFile) found.push({ name, file: await new Promise((good, bad) => entry.file(good, bad)) })
  else for (const inside of (await listed(entry)).sort(byName)) await walk(inside, `${name}/`, found)
}

/** What is in a folder; the browser tells some at a time. */
async function listed(folder) {
  const reader = folder.createReader()
  const found = []
  for (;;) {
    const some = await new Promise((good, bad) => reader.readEntries(good, bad))
    if (!some.length) return found
    found.push(...some)
  }
}

function named(file) {
  return { name: file.webkitRelativePath || file.name, file }
}

function hidden(name) {
  return name.split('/').some((part) => part.startsWith('.'))
}

function ending(file) {
  return file.type.split('/')[1]?.replace('jpeg', 'jpg') ?? 'png'
}

function byName(one, other) {
  return one.name.localeCompare(other.name, 'en', { numeric: true })
}
