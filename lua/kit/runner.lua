--- Runs specs with busted and says at the end: N passed, N failed.
--
-- Arguments: files or folders (all *_spec.lua below them), and
--   --filter PATTERN   only specs whose whole name matches the Lua pattern
--   --seed N           of the order of files and specs, and of each simulated world
--   --list             the names alone
--   --timeout SPAN     a spec, the loading of a file, or what runs before and after a spec, may take so long of real
--                      time (60s); "0": as long as it wants. What is not over then is named on stderr, and the run
--                      ends: it may be a loop that nothing in Lua can interrupt
--   --collect          under a collector that never rests: what C goes on to use, and nobody in Lua holds, is
--                      freed at once, so that a sanitizer sees it used
--
-- Exit code: 0 when nothing failed, 1 when something did, was not over in time, or no spec was found, 255 for arguments
-- that make no sense and without busted.
local core = require("kit.core")
local parse_span = require("cuttle.duration").parse
local world = require("kit.world")

--- What each option does with its value; false if that makes no sense.
local takes_value = {
  filter = function(options, value)
    options.filter = value
    return value ~= "" and pcall(string.find, "", value)
  end,
  seed = function(options, value)
    options.seed = tonumber(value)
    return value:match("^%d+$") ~= nil
  end,
  timeout = function(options, value)
    options.timeout = tonumber(value) or parse_span(value)
    return options.timeout and (options.timeout == 0 or options.timeout >= 0.01 and options.timeout < 1e6)
  end,
}

local switches = { list = true, collect = true }

local function parse(arguments)
  local options, at = { roots = {}, seed = os.time() % 100000, timeout = 60 }, 1
  while at <= #arguments do
    local argument = arguments[at]
    local name, value = argument:match("^%-%-(%w+)=?(.*)$")
    if argument:sub(1, 1) ~= "-" then
      table.insert(options.roots, argument)
    elseif switches[name] and argument == "--" .. name then
      options[name] = true
    elseif takes_value[name] then
      if argument == "--" .. name then
        at = at + 1
        value = arguments[at] or ""
      end
      if not takes_value[name](options, value) then return nil, ("no value for --%s: %q"):format(name, value) end
    else
      return nil, "unknown option " .. argument
    end
    at = at + 1
  end
  if #options.roots == 0 then return nil, "no folder of specs is named" end
  return options
end

local function full_name(busted, element)
  local names = { element.name or element.descriptor or "loading the specs" }
  local parent = busted.context.parent(element)
  while parent and parent.descriptor ~= "file" and (parent.name or parent.descriptor) do
    table.insert(names, 1, parent.name or parent.descriptor)
    parent = busted.context.parent(parent)
  end
  return table.concat(names, " ")
end

--- What a terminal can show of a message: not endless, no control characters.
local function shown(text)
  if #text > 4000 then text = ("%s ... (%d bytes in all)"):format(text:sub(1, 4000), #text) end
  return (text:gsub("[%z\1-\8\11-\31\127]", function(char) return ("\\x%02x"):format(char:byte()) end))
end

local function indented(text)
  return "     " .. text:gsub("%s+$", ""):gsub("\n", "\n     ") .. "\n"
end

--- The lines of a traceback that are of files of ours: not busted's, not the C frames between.
local function way_to(trace)
  local lines = {}
  for line in (trace and trace.traceback or ""):gmatch("\n%s+([^\n]+)") do
    if line:find("/busted/", 1, true) then break end
    if not line:find("^%[C%]") and not line:find("/luassert/", 1, true) then lines[#lines + 1] = "  " .. line end
  end
  return table.concat(lines, "\n")
end

--- What went wrong, as it happens; errors with the way that led to them; what gateways and upstreams tell.
local function report(busted, counts)
  local function failed(with_trace)
    return function(element, _, message, trace)
      counts.failed = counts.failed + 1
      io.write("FAIL ", full_name(busted, element), "\n", indented(shown(tostring(message))))
      local way = with_trace and way_to(trace) or ""
      if way ~= "" then io.write(indented(way)) end
      for _, story in ipairs(world.stories()) do io.write(indented(shown(story))) end
      return nil, true
    end
  end
  busted.subscribe({ "failure" }, failed(false))
  busted.subscribe({ "error" }, failed(true))
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

--- The file that an element of busted's is in.
local function file_of(busted, element)
  while element and element.descriptor ~= "file" do element = busted.context.parent(element) end
  return element and element.name or "?"
end

--- Bounds each part of the run: see --timeout.
local function bound(busted, options)
  if options.timeout == 0 then return end
  local watch = core.watch(options.timeout)
  local function begin(place)
    watch:begin(("cuttle test: %s: not over after %g s, so the run ends here (--timeout)\n"
      .. "the same order again: --seed=%d\n"):format(shown(place), options.timeout, options.seed))
  end
  begin("the search for specs")
  busted.subscribe({ "file", "start" }, function(file)
    begin(file.name .. ": while it is loaded")
    return nil, true
  end)
  busted.subscribe({ "test", "start" }, function(element)
    begin(file_of(busted, element) .. ": " .. full_name(busted, element))
    return nil, true
  end)
  busted.subscribe({ "test", "end" }, function(element)
    begin(("%s: after %s, or before the next one"):format(file_of(busted, element), full_name(busted, element)))
    return nil, true
  end)
end

local function apply_filter(busted, options)
  local names = options.filter and { options.filter } or {}
  require("busted.modules.filter_loader")()(busted, {
    tags = {}, excludeTags = {}, filter = names, filterOut = {}, list = options.list, nokeepgoing = false,
  })
end

local function collect_always()
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 2000)
end

local function run(new_busted, options, counts)
  local busted = new_busted()
  require("busted")(busted)
  require("busted.languages.en")
  busted.sort, busted.randomize, busted.randomseed = false, not options.list, options.seed
  world.seed = options.seed
  if options.collect then collect_always() end
  report(busted, counts)
  bound(busted, options)
  require("busted.luajit")()
  apply_filter(busted, options)
  busted.executors.before_each(function() world.renew() end) -- the outermost: before those of the spec
  require("busted.modules.test_file_loader")(busted, { "lua" })(options.roots, { "_spec%.lua$" },
    { excludes = {}, recursive = true })
  require("busted.execute")(busted)(1, { seed = options.seed, shuffle = not options.list })
  busted.publish({ "exit" })
end

return function()
  local options, problem = parse(arg)
  if not options then
    io.stderr:write("cuttle test: ", problem, "\n")
    return 255
  end
  local found, new_busted = pcall(require, "busted.core")
  if not found then
    io.stderr:write("cuttle test: busted does not load; Debian's package of it is lua-busted\n", new_busted, "\n")
    return 255
  end
  local counts = { passed = 0, failed = 0, skipped = 0 }
  io.stdout:setvbuf("line") -- so that nothing said is lost when the run is cut
  run(new_busted, options, counts)
  if not options.list then
    io.write(("%d passed, %d failed"):format(counts.passed, counts.failed),
      counts.skipped > 0 and (", %d skipped"):format(counts.skipped) or "", "\n")
    if counts.passed + counts.failed + counts.skipped == 0 then
      io.stderr:write("cuttle test: nothing was run: no spec is ",
        options.filter and ("named like %q"):format(options.filter) or "in these files", "\n")
      return 1
    end
    if counts.failed > 0 then io.write("the same order again: --seed=", options.seed, "\n") end
  end
  return counts.failed > 0 and 1 or 0
end
