"""A page to try the model in a browser: made there from ``/openapi.json``, with no other host."""

from __future__ import annotations

_POLICY = (
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "script-src 'unsafe-inline'",
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

HEADERS = (
    ("content-security-policy", "; ".join(_POLICY)),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)

_STYLE = """
:root { color-scheme: light dark; --ink: #16202b; --soft: #5b6b7a; --line: #dfe5ea;
  --paper: #f7f9fa; --card: #fff; --sea: #0b6e8a; --warn: #9a5b00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eef3; --soft: #9db0bf; --line: #2b3945; --paper: #10181f; --card: #17222b;
    --sea: #5cc4e0; --warn: #f0b04f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; font-weight: 650; letter-spacing: -.02em; margin: 0; }
h2 { font-size: .8rem; font-weight: 600; letter-spacing: .08em; text-transform: uppercase;
  color: var(--soft); margin: 2.5rem 0 .8rem; }
header p { margin: .3rem 0 0; color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.5rem; }
.fields { display: grid; gap: 1.1rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
label { display: block; font-weight: 600; font-size: .92rem; overflow-wrap: anywhere; }
label small { display: block; font-weight: 400; color: var(--soft); min-height: 1.4em; }
input, select { width: 100%; height: 2.6rem; margin-top: .3rem; padding: 0 .7rem; font: inherit;
  font-weight: 400; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: 9px; }
input:focus, select:focus, button:focus-visible { outline: 2px solid var(--sea);
  outline-offset: 1px; }
.wrong input, .wrong select { border-color: var(--bad); }
.row { display: flex; gap: 1.5rem; align-items: center; flex-wrap: wrap; margin-top: 1.6rem; }
button { font: inherit; font-weight: 600; padding: .65rem 1.5rem; border: 0; border-radius: 9px;
  background: var(--sea); color: var(--card); cursor: pointer; }
#said { font-size: 1.5rem; font-weight: 650; line-height: 1.25; }
#said small { display: block; font-size: .88rem; font-weight: 400; color: var(--soft); }
#said .flag { color: var(--warn); }
.bad { color: var(--bad); font-size: 1.05rem; }
pre, code { font: 13px/1.6 ui-monospace, SFMono-Regular, Menlo, monospace; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .93rem; }
td { padding: .55rem .5rem; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child td { border-top: 0; }
td:first-child { width: 4.2rem; font-weight: 650; font-size: .8rem; color: var(--sea);
  padding-top: .68rem; }
a { color: var(--sea); }
"""

_SCRIPT = """
const find = id => document.getElementById(id);
const controls = {};
let place = '/predict';

function make(tag, words, kind) {
  const made = document.createElement(tag);
  if (words !== undefined) made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

function shown(value) {
  const plain = typeof value !== 'number' || Number.isInteger(value);
  return plain ? String(value) : String(Number(value.toPrecision(6)));
}

function kinds(schema) {
  return [].concat(schema.type || []);
}

function option(value, words) {
  const made = make('option', words);
  made.value = value;
  return made;
}

function hint(schema) {
  const seen = schema['x-seen'];
  if (seen) return shown(seen[0]) + ' to ' + shown(seen[1]) + ' in training';
  if (schema.enum) return 'one of ' + schema.enum.filter(one => one !== null).length;
  return schema.description || '';
}

function select(schema) {
  const made = make('select');
  if (kinds(schema).includes('null')) made.append(option('', '(none)'));
  const choices = schema.enum ? schema.enum.filter(one => one !== null) : [true, false];
  for (const one of choices) made.append(option(String(one), String(one)));
  return made;
}

function text(schema, label) {
  const made = make('input');
  if (kinds(schema).includes('null')) made.placeholder = '(none)';
  if (!kinds(schema).includes('string')) made.inputMode = 'decimal';
  if (schema.examples) {
    const list = make('datalist');
    list.id = 'known-' + Object.keys(controls).length;
    for (const one of schema.examples) list.append(option(one));
    label.append(list);
    made.setAttribute('list', list.id);
  }
  return made;
}

function control(name, schema, value) {
  const label = make('label', name);
  label.append(make('small', hint(schema)));
  const chosen = schema.enum || kinds(schema).includes('boolean');
  const input = chosen ? select(schema) : text(schema, label);
  input.value = value === null || value === undefined ? '' : String(value);
  input.addEventListener('input', preview);
  label.append(input);
  controls[name] = { input, schema, label };
  return label;
}

function valueOf({ input, schema }) {
  const known = kinds(schema);
  if (input.value === '' && (known.includes('null') || !known.includes('string'))) return null;
  if (known.includes('boolean')) return input.value === 'true';
  const number = Number(input.value);
  return known.includes('string') || Number.isNaN(number) ? input.value : number;
}

function body() {
  const row = {};
  for (const name of Object.keys(controls)) row[name] = valueOf(controls[name]);
  return JSON.stringify({ rows: [row] });
}

function preview() {
  const quoted = body().replaceAll("'", "'\\\\''");
  find('curl').textContent = [
    'curl ' + location.origin + place + ' \\\\',
    "  -H 'Content-Type: application/json' \\\\",
    "  -d '" + quoted + "'",
  ].join('\\n');
}

function refuse(status, content) {
  const about = make('small', status + ' ' + content.code);
  find('said').replaceChildren(make('span', content.error, 'bad'), about);
  const wrong = Object.keys(controls).find(name => content.path === 'rows[0].' + name);
  if (wrong === undefined) return;
  controls[wrong].label.classList.add('wrong');
  controls[wrong].input.focus();
}

function tell(content, took) {
  const value = content.predictions[0];
  const words = value === null ? 'no finite number' : shown(value);
  const about = make('small', took.toFixed(1) + ' ms, request ' + content.id);
  find('said').replaceChildren(make('span', words), about);
  const flags = (content.flags || {})['0'];
  if (!flags) return;
  find('said').append(make('small', 'Unlike the training data: ' + flags.join(', '), 'flag'));
}

async function ask() {
  for (const { label } of Object.values(controls)) label.classList.remove('wrong');
  const began = performance.now();
  const headers = { 'content-type': 'application/json' };
  try {
    const answer = await fetch(place, { method: 'POST', body: body(), headers });
    const content = await answer.json();
    if (answer.ok) tell(content, performance.now() - began);
    else refuse(answer.status, content);
    find('answer').textContent = JSON.stringify(content, null, 2);
  } catch (error) {
    find('said').replaceChildren(make('span', 'No answer: ' + error.message, 'bad'));
  }
}

function list(paths) {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, told] of Object.entries(methods)) {
      const row = make('tr');
      const place = make('td');
      place.append(make('code', path));
      row.append(make('td', method.toUpperCase()), place, make('td', told.summary));
      find('paths').append(row);
    }
  }
}

function choose(paths) {
  const places = Object.keys(paths).filter(one => one.startsWith('/predict'));
  const asked = '/predict/' + new URLSearchParams(location.search).get('model');
  place = places.includes(asked) ? asked : places[0];
  if (places.length === 1) return '';
  for (const name of places.map(one => one.slice('/predict/'.length))) {
    const link = make('a', name);
    link.href = '?model=' + encodeURIComponent(name);
    find('models').append(link, ' ');
  }
  return place.slice('/predict/'.length);
}

function fill(about) {
  const model = choose(about.paths);
  document.title = find('name').textContent = model || about.info.title;
  find('about').textContent = about.info.summary + ' Version ' + about.info.version + '.';
  const request = about.paths[place].post.requestBody.content['application/json'];
  const example = request.example.rows[0] || {};
  const fields = about.components.schemas[model ? model + '.Row' : 'Row'].properties;
  for (const name of Object.keys(fields)) {
    find('fields').append(control(name, fields[name], example[name]));
  }
  list(about.paths);
  preview();
  find('form').addEventListener('submit', event => {
    event.preventDefault();
    ask();
  });
  if (location.hash === '#ask') ask();
}

fetch('/openapi.json').then(answer => answer.json()).then(fill);
"""

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Model</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<header><h1 id="name">Model</h1><p id="about"></p><p id="models"></p></header>
<h2>Try it</h2>
<form id="form" class="card">
<div id="fields" class="fields"></div>
<div class="row">
<button>Predict</button>
<div id="said" role="status" aria-live="polite"></div>
</div>
</form>
<h2>The same from a terminal</h2>
<div class="card"><pre id="curl"></pre></div>
<h2>Answer</h2>
<div class="card"><pre id="answer">Press Predict.</pre></div>
<h2>All there is</h2>
<div class="card"><table id="paths"></table></div>
<p><a href="/openapi.json">openapi.json</a></p>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
""".encode()


__all__ = ["HEADERS", "PAGE"]
