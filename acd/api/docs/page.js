// Shows /v1/openapi.json. Every text goes in as text, never as markup; a token stays in its field and nowhere else.
"use strict";

const METHODS = ["get", "post", "put", "delete"];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function named(name, className, text) {
  const made = element(name, text);
  made.className = className;
  return made;
}

function shortName(reference) {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

// A schema in a few words, with links to the types it names.
function typeOf(schema) {
  if (!schema) return [];
  if (schema.$ref) {
    const link = element("a", shortName(schema.$ref));
    link.href = "#type-" + shortName(schema.$ref);
    return [link];
  }
  if (schema.anyOf) return schema.anyOf.flatMap((each, index) => (index ? [" or ", ...typeOf(each)] : typeOf(each)));
  if (schema.enum) return [schema.enum.map((each) => JSON.stringify(each)).join(", ")];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items)];
  if (schema.type === "object" && schema.additionalProperties) return ["map to ", ...typeOf(schema.additionalProperties)];
  const bounds = ["minimum", "maximum", "minLength", "maxLength", "maxItems"].filter((each) => each in schema);
  const limits = bounds.length ? " (" + bounds.map((each) => `${each} ${schema[each]}`).join(", ") + ")" : "";
  return [(schema.format || schema.type || "anything") + limits];
}

function row(...cells) {
  return element("tr", "", ...cells.map((cell) => element("td", "", ...[cell].flat())));
}

function parameters(operation, inputs) {
  const table = element("table");
  for (const each of operation.parameters) {
    const input = named("input", "value", "");
    input.value = each.example ?? "";
    input.setAttribute("aria-label", each.name);
    inputs.push({ ...each, input });
    table.append(row(element("code", each.name), each.in, typeOf(each.schema), each.description || "", input));
  }
  return table;
}

function address(path, inputs) {
  const query = new URLSearchParams();
  let filled = path;
  for (const each of inputs) {
    if (each.in === "path") filled = filled.replace(`{${each.name}}`, encodeURIComponent(each.input.value));
    if (each.in === "query" && each.input.value) query.set(each.name, each.input.value);
  }
  return query.toString() ? `${filled}?${query}` : filled;
}

async function send(method, path, inputs, body) {
  const headers = {};
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  for (const each of inputs) if (each.in === "header" && each.input.value) headers[each.name] = each.input.value;
  const answer = await fetch(address(path, inputs), {
    method: method.toUpperCase(),
    headers,
    body: body || undefined,
    credentials: "omit",
  });
  const text = await answer.text();
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Not JSON: as it is.
  }
  return `${answer.status} ${answer.statusText}\n${shown}`;
}

function show(path, method, operation) {
  const box = element("details");
  box.id = operation.operationId;
  box.append(
    element(
      "summary",
      "",
      named("span", "method", method.toUpperCase()),
      named("span", "path", path),
      named("span", "what", operation.summary),
    ),
    element("p", operation.description),
  );
  const inputs = [];
  if (operation.parameters.length) box.append(parameters(operation, inputs));
  let text = null;
  const content = operation.requestBody?.content["application/json"];
  if (content) {
    text = element("textarea");
    text.setAttribute("aria-label", "Body");
    text.value = content.example ? JSON.stringify(content.example, null, 2) : "";
    box.append(element("p", "Body: ", ...typeOf(content.schema)), text);
  }
  const before = operation["x-example-after"];
  if (before) box.append(element("p", `The example works after: ${before.join(", ")}.`));
  const output = element("pre");
  output.hidden = true;
  const button = element("button", "Send");
  button.type = "button";
  button.addEventListener("click", async () => {
    output.hidden = false;
    output.textContent = await send(method, path, inputs, text?.value).catch(String);
  });
  const answers = element("table");
  for (const [status, answer] of Object.entries(operation.responses)) {
    const schema = Object.values(answer.content || {})[0]?.schema;
    answers.append(row(status, answer.description, schema ? typeOf(schema) : ""));
  }
  box.append(button, output, element("h4", "Answers"), answers);
  return box;
}

function showType(name, schema) {
  const box = element("details", "", element("summary", name));
  box.id = "type-" + name;
  if (schema.description) box.append(element("p", schema.description));
  const table = element("table");
  for (const [field, each] of Object.entries(schema.properties || {})) {
    const needed = (schema.required || []).includes(field) ? "required" : "";
    table.append(row(element("code", field), typeOf(each), needed, each.description || ""));
  }
  box.append(table);
  return box;
}

function openWhatIsNamed() {
  const box = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (box instanceof HTMLDetailsElement) box.open = true;
}

async function main() {
  const found = await (await fetch("/v1/openapi.json", { credentials: "omit" })).json();
  document.getElementById("title").textContent = `${found.info.title} ${found.info.version}`;
  document.getElementById("about").textContent = found.info.description;
  const place = document.getElementById("operations");
  for (const { name } of found.tags) {
    const section = element("section", "", element("h2", name));
    for (const [path, item] of Object.entries(found.paths))
      for (const method of METHODS)
        if (item[method]?.tags.includes(name)) section.append(show(path, method, item[method]));
    place.append(section);
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(found.components.schemas)) schemas.append(showType(name, schema));
  document.getElementById("search").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const box of place.querySelectorAll("details"))
      box.hidden = !box.firstChild.textContent.toLowerCase().includes(wanted);
  });
  window.addEventListener("hashchange", openWhatIsNamed);
  openWhatIsNamed();
}

main();
