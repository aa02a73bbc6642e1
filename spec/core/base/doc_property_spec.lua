--- Random documents under random edits, compared byte for byte with a model that does the same to Lua tables.
--
-- A model value is { text = ... } for a scalar, or a list of items: the members or elements in order, with
-- the white space before the item, between a colon and the value, and after it.
local doc = require("spec.support.doc")
local core, str = doc.core, doc.str

-- A generator of its own, so that a failure repeats everywhere.
local function generator(seed)
  return function(limit)
    seed = (seed * 16807) % 2147483647
    return seed % limit
  end
end

local scalars = {
  "null", "true", "false", "0", "-0", "1.10", "12345678901234567890", "1E+5", "-1.5e-7", '""', '"x"',
  '"\\u00e9\\n"',
  '"é😀"', '"\\ud800"', '"a \\"quoted\\" text"', '"' .. ("long "):rep(60) .. '"', '"\\\\"', '"{[,]}"',
}
local names = { -- as it is, as it is written
  { "a", '"a"' }, { "a", '"\\u0061"' }, { "b", '"b"' }, { "c\n", '"c\\n"' }, { "", '""' }, { "é", '"é"' },
  { "name", '"name"' }, { ("n"):rep(40), '"' .. ("n"):rep(40) .. '"' },
}
local gaps = { "", "", "", "", " ", "\n  ", "\t", (" "):rep(70) }

local function pick(random, list)
  return list[random(#list) + 1]
end

local function make(random, depth)
  local kind = depth > 0 and random(3) or 0
  if kind == 0 then return { text = pick(random, scalars) } end
  local value = { object = kind == 1, gap = pick(random, gaps) }
  local count = random(6) == 0 and 20 or random(5)
  for i = 1, count do
    local name = kind == 1 and pick(random, names)
    if name and count == 20 then name = { "m" .. i % 15, '"m' .. i % 15 .. '"' } end
    value[i] = {
      name = name,
      value = make(random, depth - 1),
      before = pick(random, gaps),
      inner = name and pick(random, gaps) or "",
      after = pick(random, gaps),
    }
  end
  return value
end

local function item_text(item, text)
  if not item.name then return text end
  return item.name[2] .. ":" .. text
end

--- The text before anything is edited.
local function source(value)
  if value.text then return value.text end
  local parts = {}
  for i, item in ipairs(value) do
    parts[i] = item.before .. item_text(item, item.inner .. source(item.value)) .. item.after
  end
  local inner = table.concat(parts, ",")
  return value.object and "{" .. inner .. value.gap .. "}" or "[" .. inner .. value.gap .. "]"
end

local function is_changed(value)
  return value.changed or false
end

--- Those items that count: of one name the last.
local function live(value)
  local seen, list = {}, {}
  for i = #value, 1, -1 do
    local name = value[i].name and value[i].name[1]
    if not name or not seen[name] then table.insert(list, 1, value[i]) end
    if name then seen[name] = true end
  end
  return list
end

--- The text that is expected: what was not changed as it was, between neighbours also their white space.
local function expected(value)
  if not is_changed(value) then return value.text or source(value) end
  local parts, previous = {}, nil
  local items = live(value)
  for _, item in ipairs(items) do
    local untouched = not item.new and not is_changed(item.value)
    local inner = untouched and source(item.value) or expected(item.value)
    local text = item_text(item, (untouched and item.inner or "") .. inner)
    if not previous then
      parts[#parts + 1] = text
    elseif untouched and previous.untouched and previous.item.follower == item then
      parts[#parts + 1] = previous.item.after .. "," .. item.before .. text
    else
      parts[#parts + 1] = "," .. text
    end
    previous = { item = item, untouched = untouched }
  end
  local text = table.concat(parts)
  return value.object and "{" .. text .. "}" or "[" .. text .. "]"
end

local function link(value)
  for i, item in ipairs(value) do
    item.follower = value[i + 1]
    link(item.value)
  end
end

--- A path of containers from the root to one of them.
local function descend(random, root, node)
  local path = { root }
  while random(3) > 0 do
    local below = {}
    for i, item in ipairs(live(path[#path])) do
      if not item.value.text then below[#below + 1] = { i, item } end
    end
    if #below == 0 then break end
    local index, item = unpack(pick(random, below))
    path[#path + 1] = item.value
    if item.name then
      node = core.node_get(node, str(item.name[1]))
    else
      node = core.node_at(node, index - 1)
    end
  end
  return path, node
end

local function replace(value, item, new)
  for i, other in ipairs(value) do
    if other == item then
      value[i] = { name = item.name, value = new, new = true }
    end
  end
end

local function remove(value, item)
  for i = #value, 1, -1 do
    if value[i] == item or (item.name and value[i].name[1] == item.name[1]) then table.remove(value, i) end
  end
end

local edits = {}

function edits.set(random, value, node, new, raw)
  if not value.object then return false end
  local name = pick(random, names)
  local found
  for _, item in ipairs(live(value)) do
    if item.name[1] == name[1] then found = item end
  end
  core.node_set(node, str(name[1]), raw)
  if found then
    replace(value, found, new)
  else
    local quoted = name[1] == "c\n" and '"c\\n"' or '"' .. name[1] .. '"'
    value[#value + 1] = { name = { name[1], quoted }, value = new, new = true }
  end
  return true
end

function edits.remove(random, value, node)
  local items = live(value)
  if #items == 0 then return false end
  local at = random(#items) + 1
  if value.object then
    core.node_remove(node, str(items[at].name[1]))
  else
    core.node_cut(node, at - 1)
  end
  remove(value, items[at])
  return true
end

function edits.append(_, value, node, new, raw)
  if value.object then return false end
  core.node_append(node, raw)
  value[#value + 1] = { value = new, new = true }
  return true
end

function edits.put(random, value, node, new, raw)
  if value.object or #value == 0 then return false end
  local at = random(#value) + 1
  core.node_put(node, at - 1, raw)
  replace(value, value[at], new)
  return true
end

local order = { "set", "remove", "append", "put" }

local function edit(random, arena, root, node, keep)
  local path, target = descend(random, root, node)
  local value = path[#path]
  local new = { text = pick(random, scalars) }
  keep[#keep + 1] = new
  if edits[pick(random, order)](random, value, target, new, core.node_new_raw(arena, str(new.text))) then
    for _, container in ipairs(path) do container.changed = true end
  end
end

describe("doc: random documents under random edits", function()
  for seed = 1, 20 do
    it("keep what nobody touched, from seed " .. seed, function()
      local random = generator(seed * 7919)
      for _ = 1, 12 do
        local arena, keep = doc.arena(), { names }
        local root = make(random, 5)
        if not root.text then
          link(root)
          local text = source(root)
          local parsed = assert(doc.parse(arena, text))
          for _ = 0, random(12) do
            edit(random, arena, root, parsed.node, keep)
            local written = doc.write(arena, parsed.node)
            assert.equal(expected(root), written)
            local again = assert(doc.parse(arena, written))
            assert.equal(written, (doc.write(arena, again.node)))
            assert.equal(written, doc.lua(core.doc_text(arena, core.node_clone(arena, parsed.node))))
          end
        end
      end
    end)
  end
end)
