--- Runs specs with busted and says at the end: N passed, N failed.
--
-- Arguments: files or folders (all *_spec.lua below them), and
--   --filter=PATTERN   only specs whose whole name matches the Lua pattern
--   --seed=N           of the order of files and specs, and of each simulated world
--   --list             the names alone
local world = require("kit.world")

local function parse(arguments)
  local options = { roots = {}, seed = os.time() % 100000 }
  for _, argument in ipairs(arguments) do
    local key, value = argument:match("^%-%-(%w+)=?(.*)$")
    if not key then
      table.insert(options.roots, argument)
    elseif key == "filter" or key == "seed" then
      options[key] = value
    elseif key == "list" then
      options.list = true
    else
      return nil, "unknown option " .. argument
    end
  end
  options.seed = tonumber(options.seed) or 1
  if #options.roots == 0 then return nil, "no folder of specs is named" end
  return options
end

local function full_name(busted, element)
  local names = { element.name or element.descriptor }
  local parent = busted.context.parent(element)
  while parent and parent.descriptor ~= "file" and (parent.name or parent.descriptor) do
    table.insert(names, 1, parent.name or parent.descriptor)
    parent = busted.context.parent(parent)
  end
  return table.concat(names, " ")
end

local function where(trace)
  if not trace then return "" end
  return trace.short_src and trace.currentline and (" (" .. trace.short_src .. ":" .. trace.currentline .. ")") or ""
end

local function text_of(message, trace)
  if type(message) == "table" then message = message.message or message.error or require("pl.pretty").write(message) end
  return tostring(message) .. (trace and trace.traceback and not trace.message and "" or "")
end

--- What went wrong, as it happens.
local function report(busted, counts)
  local function failed(element, _, message, trace)
    counts.failed = counts.failed + 1
    io.write("FAIL ", full_name(busted, element), where(trace or element.trace), "\n     ",
      (text_of(message, trace):gsub("\n", "\n     ")), "\n")
    return nil, true
  end
  busted.subscribe({ "failure" }, failed)
  busted.subscribe({ "error" }, failed)
  busted.subscribe({ "test", "start" }, function()
    world.renew()
    return nil, true
  end)
  busted.subscribe({ "test", "end" }, function(_, _, status)
    if status == "success" then counts.passed = counts.passed + 1 end
    if status == "pending" then counts.skipped = counts.skipped + 1 end
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    world.close()
    return nil, true
  end)
end

local function apply_filter(busted, options)
  local names = options.filter and { options.filter } or {}
  require("busted.modules.filter_loader")()(busted, {
    tags = {}, excludeTags = {}, filter = names, filterOut = {}, list = options.list, nokeepgoing = false,
  })
end

return function()
  local options, problem = parse(arg)
  if not options then
    io.stderr:write("cuttle test: ", problem, "\n")
    return 255
  end
  local busted = require("busted.core")()
  local counts = { passed = 0, failed = 0, skipped = 0 }
  require("busted")(busted)
  require("busted.languages.en")
  busted.sort, busted.randomize, busted.randomseed = false, true, options.seed
  world.seed = options.seed
  report(busted, counts)
  require("busted.luajit")()
  apply_filter(busted, options)
  require("busted.modules.test_file_loader")(busted, { "lua" })(options.roots, { "_spec%.lua$" },
    { excludes = {}, recursive = true })
  require("busted.execute")(busted)(1, { seed = options.seed, shuffle = true })
  busted.publish({ "exit" })
  if options.list then return 0 end
  io.write(("%d passed, %d failed"):format(counts.passed, counts.failed),
    counts.skipped > 0 and (", %d skipped"):format(counts.skipped) or "", "\n")
  if counts.failed > 0 then io.write("seed ", options.seed, " gives this order again: --seed=", options.seed, "\n") end
  return counts.failed > 0 and 1 or 0
end
