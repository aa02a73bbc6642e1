--- Runs once when a worker starts, and for `check`: finds the plugins a configuration attaches, checks their settings,
--- builds them, and gives their functions to C in running order.
--
-- host: the functions of core/script/api_host.c, api_runtime.c, api_store.c, api_http.c; host.json.
local loader = require("cuttle.loader")
local pipeline = require("cuttle.pipeline")
local places = require("cuttle.place")
local runtime = require("cuttle.runtime")
local schema = require("cuttle.schema")

local boot = {}
boot.__index = boot

local function log_with(host)
  local levels = { debug = 0, info = 1, warning = 2, error = 3 }
  return function(level, text) host.log(levels[level], text) end
end

-- --- building -----------------------------------------------------------------------------------

function boot:problem(text)
  self.problems[#self.problems + 1] = text
end

function boot:warn(format, ...)
  self.log("warning", format:format(...))
end

--- The way a component names itself in the log: "[ENDPOINT: /users/{id}][CB]".
local function log_name(plugin, place)
  return ("%s[%s]"):format(place.log_name, plugin.log_name or plugin.name)
end

local with_article = { service = "a service", endpoint = "an endpoint", backend = "a backend" }

local function allowed(plugin, scope)
  for _, name in ipairs(plugin.scopes) do
    if name == scope then return true end
  end
  return false
end

--- plugin.new for one place; nil if there is nothing to do there, or the problem was told.
function boot:make(plugin, place, settings, path)
  if plugin.schema then
    local ok, problems = schema.check(plugin.schema, settings, path)
    if not ok then
      for _, problem in ipairs(problems) do self:problem(("%s %s"):format(log_name(plugin, place), problem)) end
      return nil
    end
  end
  local given = runtime.new(self.host, self.shared, plugin, place)
  if not plugin.new then
    return setmetatable({ config = settings, runtime = given }, { __index = plugin })
  end
  local ok, instance, refusal = pcall(plugin.new, settings, given)
  if ok and instance == nil and not refusal then return nil end
  if not ok then
    refusal = tostring(instance)
  elseif instance ~= nil and type(instance) ~= "table" then
    refusal = ("new in %s returned a %s"):format(plugin.file, type(instance))
  end
  if refusal then
    self:problem(("%s %s (%s)"):format(log_name(plugin, place), refusal, path))
    return nil
  end
  if instance ~= plugin and getmetatable(instance) == nil then setmetatable(instance, { __index = plugin }) end
  return instance
end

--- The same, while the watchdog is told whose code it is.
function boot:build(plugin, place, settings, path)
  self.host.enter(plugin.number, ("%s, new of %s"):format(plugin.name, path))
  local instance = self:make(plugin, place, settings, path)
  self.host.leave()
  return instance
end

--- Appends a layer to a place. component: of pipeline.lua.
function boot:add_layer(layers, component, plugin, place, settings, path)
  self.attached[plugin] = true
  if not allowed(plugin, place.scope) then
    self:warn("%s: %s is not for %s: ignored", path, plugin.namespace, with_article[place.scope])
    return
  end
  local instance = self:build(plugin, place, settings, path)
  if not instance then return end
  layers[#layers + 1] = {
    plugin = plugin, instance = instance, outer = component.outer, component = component, path = path,
  }
end

-- --- the kinds of component -----------------------------------------------------------------------

local function settings_of(place, namespace)
  for _, pair in ipairs(place.extra) do
    if pair[1] == namespace then return pair[2], true end
  end
end

function boot:add_namespace(layers, component, place)
  local namespace = component[1]
  local settings, there = settings_of(place, namespace)
  if not there then return end
  local plugin, problem = self.loader:for_namespace(namespace, component.plugin)
  if problem then
    self:problem(problem)
  elseif not plugin and component.plugin then
    self:warn("%s: the file %s that stands in for ours has no plugin for it: ignored", places.path_of(place, namespace),
      component.plugin)
  end
  if plugin then self:add_layer(layers, component, plugin, place, settings, places.path_of(place, namespace)) end
end

--- The names that a plugin/... block lists, in running order; nil and what is expected if that is no list.
local function listed_names(component, block)
  local list = type(block) == "table" and block.name
  if component.one and type(list) ~= "string" then return nil, "a text" end
  if component.list_order and type(list) ~= "table" then return nil, "an array of texts" end
  if type(list) == "string" then list = { list } end
  if type(list) ~= "table" then return nil, "a text or an array of texts" end
  local names = {}
  for _, name in ipairs(list) do
    if type(name) == "string" and component.last_first then
      table.insert(names, 1, name)
    elseif type(name) == "string" then
      names[#names + 1] = name
    end
  end
  return names
end

function boot:add_names(layers, component, place)
  local block, there = settings_of(place, component.names)
  if not there then return end
  local names, expected = listed_names(component, block)
  if not names then
    self:warn("%s.name: expected %s: ignored", places.path_of(place, component.names), expected)
    return
  end
  for _, name in ipairs(names) do
    local plugin, problem = self.loader:for_name(name, place.scope)
    if problem then self:problem(problem) end
    if plugin then
      local path = places.path_of(place, component.names) .. ("[%q]"):format(name)
      local settings = block[name]
      if settings == nil then settings = {} end
      self:add_layer(layers, component, plugin, place, settings, path)
    else
      self.log(component.last_first and "error" or "warning",
        ("%s No plugin registered as %s"):format(place.log_name, name))
    end
  end
end

--- Namespaces that have no line of their own: a team's.
function boot:add_team(layers, component, place)
  for _, pair in ipairs(place.extra) do
    local namespace, settings = pair[1], pair[2]
    local plugin = self.loader.by_namespace[namespace]
    if plugin and not pipeline.component(place.scope, namespace) then
      self:add_layer(layers, component, plugin, place, settings, places.path_of(place, namespace))
    end
  end
end

--- The scopes in which a namespace of ours has a line, as text: "an endpoint or a backend"; "" for none.
local function scopes_of(namespace)
  local scopes = {}
  for _, scope in ipairs(pipeline.scopes) do
    local component = pipeline.component(scope, namespace)
    if component and (component.plugin or component.names) then scopes[#scopes + 1] = with_article[scope] end
  end
  return table.concat(scopes, " or ")
end

--- Ours at a place where they have no line do nothing; say so, for a guard must not be missing in silence.
function boot:warn_misplaced(place)
  for _, pair in ipairs(place.extra) do
    local scopes = scopes_of(pair[1])
    if scopes ~= "" and not pipeline.component(place.scope, pair[1]) then
      self:warn("%s: %s is for %s, not for %s: ignored", places.path_of(place, pair[1]), pair[1], scopes,
        with_article[place.scope])
    end
  end
end

function boot:layers_of(place)
  local layers = {}
  for _, component in ipairs(pipeline[place.scope]) do
    if component.team then
      self:add_team(layers, component, place)
    elseif component.names then
      self:add_names(layers, component, place)
    elseif component.core then
      if place.static then layers[#layers + 1] = { core = component.core } end
    else
      self:add_namespace(layers, component, place)
    end
  end
  self:warn_misplaced(place)
  return layers
end

-- --- running order --------------------------------------------------------------------------------

--- The function of a layer for a phase. What an instance keeps under the name of one (`log = runtime.log`) is none.
local function phase_function(layer, phase)
  local own = layer.instance[phase]
  if type(own) == "function" then return own end
  return layer.plugin[phase]
end

local function runs(layer, phase)
  if layer.core then return phase == "merged" end
  local only = layer.component.phases
  if only then
    local listed = false
    for _, name in ipairs(only) do listed = listed or name == phase end
    if not listed then return false end
  end
  return phase_function(layer, phase) ~= nil
end

--- The same for layers in which no phase runs, and plugins that no place asks for.
function boot:warn_idle(place, layers)
  for _, layer in ipairs(layers) do
    local busy = false
    for _, way in pairs(pipeline.phases[place.scope]) do
      for _, phase in ipairs(way) do busy = busy or runs(layer, phase) end
    end
    if not busy then
      self:warn("%s: %s has no phase that runs there: it does nothing", layer.path, layer.plugin.name)
    end
  end
end

function boot:warn_unattached()
  local names = {}
  for _, plugin in ipairs(self.loader.of_users) do
    if not self.attached[plugin] then names[#names + 1] = plugin.namespace end
  end
  if #names > 0 then self:warn("[SERVICE: Plugins] attached nowhere: %s", table.concat(names, ", ")) end
end

local function way_in(layers)
  local order = {}
  for i = 1, #layers do order[i] = i end
  return order
end

--- The reverse; but a list of modifiers keeps its order both ways.
local function way_out(layers)
  local order, i = {}, #layers
  while i >= 1 do
    local first = i
    local component = layers[i].component
    if component and component.list_order then
      while first > 1 and layers[first - 1].component == component do first = first - 1 end
    end
    for position = first, i do order[#order + 1] = position end
    i = first - 1
  end
  return order
end

--- proxy.static is laid over the answer after the phase anyway; it has a place in it only if somebody comes later.
local function without_last_static(layers, order)
  local last = order[#order]
  while last and layers[last].core do
    order[#order] = nil
    last = order[#order]
  end
  return order
end

function boot:add_phase(place, layers, phase, order)
  local running = {}
  for _, position in ipairs(order) do
    if runs(layers[position], phase) then running[#running + 1] = position end
  end
  for _, position in ipairs(without_last_static(layers, running)) do
    local layer = layers[position]
    if layer.core then
      self.host.add(place.scope, place.id, phase, position - 1, layer.core)
    else
      local plugin = layer.plugin
      self.host.add(place.scope, place.id, phase, position - 1, plugin.name, layer.instance,
        phase_function(layer, phase), plugin.number, plugin.ours, layer.outer)
    end
  end
end

function boot:attach(place)
  local layers = self:layers_of(place)
  if #layers == 0 then return end
  self:warn_idle(place, layers)
  self.host.layers(place.scope, place.id, #layers)
  local phases = pipeline.phases[place.scope]
  for _, phase in ipairs(phases.way_in) do self:add_phase(place, layers, phase, way_in(layers)) end
  for _, phase in ipairs(phases.way_out) do self:add_phase(place, layers, phase, way_out(layers)) end
  for _, layer in ipairs(layers) do
    if layer.plugin and layer.plugin.reads_body then self:want_body(place) end
    if layer.plugin and layer.plugin.reads_content and place.scope == "backend" then
      self.host.wants("backend", place.id, "content")
    end
  end
end

--- A backend's plugin that reads the request's body needs it collected for the whole endpoint.
function boot:want_body(place)
  if place.scope == "backend" then
    self.host.wants("endpoint", place.endpoint_id, "body")
  else
    self.host.wants(place.scope, place.id, "body")
  end
end

-- --- all of it --------------------------------------------------------------------------------------

function boot:attach_endpoint(endpoint, index)
  self:attach(places.endpoint(endpoint, index))
  for position, backend in ipairs(endpoint.backends) do
    self:attach(places.backend(endpoint, index, backend, position - 1))
  end
end

local function protect_strings()
  getmetatable("").__metatable = "string"
end

--- True; or nil and what is wrong, a line each.
return function(host, home)
  protect_strings()
  local log = log_with(host)
  local service = host.service()
  local self = setmetatable({
    host = host, log = log, problems = {}, attached = {}, shared = runtime.shared(host),
    loader = loader.new(host, home, service.plugin, log),
  }, boot)
  local ok, problem = self.loader:load_folders()
  if not ok then return nil, problem end
  self:attach(places.service(service))
  local index, endpoint = 0, host.endpoint(0)
  while endpoint do
    self:attach_endpoint(endpoint, index)
    index = index + 1
    endpoint = host.endpoint(index)
  end
  self:warn_unattached()
  if #self.problems > 0 then return nil, table.concat(self.problems, "\n") end
  return true
end
