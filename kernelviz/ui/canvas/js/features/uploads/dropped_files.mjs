// Files that a person drops, pastes or chooses, those of a folder by their path in it, without hidden ones.

/** @typedef {{ name: string, file: File }} NamedFile */

/**
 * The files that are dropped, and the names of folders that the browser does not open, as those of a page from disk.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<{ files: NamedFile[], unread: string[] }>}
 */
export async function dropped(transfer) {
  const items = Array.from(transfer.items, (item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }))
  /** @type {NamedFile[]} */
  const files = []
  /** @type {string[]} */
  const unread = []
  for (const { entry, file } of items) {
    if (entry && isFolder(entry)) await collect(entry, '', files).catch(() => unread.push(entry.name))
    else if (file && !hidden(file.name)) files.push(named(file)) // a page from disk may not open it by its entry
  }
  return { files, unread }
}

/**
 * @param {DataTransfer | null} clipboard
 * @returns {NamedFile[]}
 */
export function pasted(clipboard) {
  const files = Array.from(clipboard?.files ?? [])
  const number = (/** @type {number} */ at) => (files.length > 1 ? ` ${at + 1}` : '')
  return files.map((file, at) => ({ name: `pasted${number(at)}.${ending(file)}`, file }))
}

/**
 * @param {HTMLInputElement} input
 * @returns {NamedFile[]}
 */
export function chosen(input) {
  const found = Array.from(input.files ?? [], named).filter(({ name }) => !hidden(name))
  input.value = '' // the same files may be chosen again
  return found.sort(byName)
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} above
 * @param {NamedFile[]} found
 */
async function collect(entry, above, found) {
  const name = above + entry.name
  if (hidden(entry.name)) return
  if (isFile(entry)) found.push({ name, file: await new Promise((good, bad) => entry.file(good, bad)) })
  else if (isFolder(entry)) {
    for (const inside of (await listed(entry)).sort(byName)) await collect(inside, `${name}/`, found)
  }
}

/**
 * @param {FileSystemEntry} entry
 * @returns {entry is FileSystemFileEntry}
 */
function isFile(entry) {
  return entry.isFile
}

/**
 * @param {FileSystemEntry} entry
 * @returns {entry is FileSystemDirectoryEntry}
 */
function isFolder(entry) {
  return entry.isDirectory
}

/**
 * What is in a folder; the browser tells some at a time.
 *
 * @param {FileSystemDirectoryEntry} folder
 */
async function listed(folder) {
  const reader = folder.createReader()
  /** @type {FileSystemEntry[]} */
  const found = []
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((good, bad) => reader.readEntries(good, bad))
    if (!some.length) return found
    found.push(...some)
  }
}

/**
 * @param {File} file
 * @returns {NamedFile}
 */
function named(file) {
  return { name: file.webkitRelativePath || file.name, file }
}

/** @param {string} name */
function hidden(name) {
  return name.split('/').some((part) => part.startsWith('.'))
}

/** @param {File} file */
function ending(file) {
  return file.type.split('/')[1]?.replace('jpeg', 'jpg') ?? 'png'
}

/**
 * @param {{ name: string }} one
 * @param {{ name: string }} other
 */
function byName(one, other) {
  return one.name.localeCompare(other.name, 'en', { numeric: true })
}
