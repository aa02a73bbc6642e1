--- Finds plugins, loads each in an environment of its own, and checks its shape.
--
-- A plugin is a file `name.lua` or a folder `name/` with `init.lua`. It returns a table, or a list of tables when it
-- stands for several namespaces. Files named *_spec.lua are specs.
local pipeline = require("cuttle.pipeline")
local sandbox = require("cuttle.sandbox")
local schema = require("cuttle.schema")

local loader = {}
loader.__index = loader

local contract = 1 -- the version of the plugin contract that this gateway speaks

local keys = {
  api = "number", namespace = "string", name = "string", log_name = "string", scopes = "table", schema = "table",
  reads_body = "boolean", reads_content = "boolean", new = "function",
}

local function has(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then return true end
  end
  return false
end

local function check_scopes(plugin)
  if #plugin.scopes == 0 then return nil, "scopes: expected service, endpoint or backend" end
  for _, scope in ipairs(plugin.scopes) do
    if not has(pipeline.scopes, scope) then return nil, ("scopes: no such scope %q"):format(tostring(scope)) end
  end
  return true
end

--- A phase that none of the plugin's scopes has would never run.
local function check_phases(plugin)
  local runs = false
  for _, phase in ipairs({ "request", "proxy", "call", "reply", "merged", "response", "log" }) do
    if plugin[phase] ~= nil then
      if type(plugin[phase]) ~= "function" then
        return nil, ("%s: expected a function, got %s"):format(phase, type(plugin[phase]))
      end
      local reached = false
      for _, scope in ipairs(plugin.scopes) do reached = reached or pipeline.has_phase(scope, phase) end
      if not reached then
        return nil, ("%s: is never run with scopes = { %s }"):format(phase, table.concat(plugin.scopes, ", "))
      end
      runs = true
    end
  end
  if not runs and not plugin.new then
    return nil, "it has no phase: request, proxy, call, reply, merged, response, log"
  end
  return true
end

--- Is this table a plugin? True, or nil and why not.
function loader.check_shape(plugin)
  if type(plugin) ~= "table" then return nil, "expected a table, got " .. type(plugin) end
  if plugin.api == nil then
    return nil, ("api is missing: api = %d (a module of a plugin stands beside its init.lua, in a folder of their own)")
      :format(contract)
  end
  for key, kind in pairs(keys) do
    if plugin[key] ~= nil and type(plugin[key]) ~= kind then
      return nil, ("%s: expected a %s, got %s"):format(key, kind, type(plugin[key]))
    end
  end
  if plugin.api ~= contract then
    return nil, ("api: written for contract %s, this gateway speaks %d"):format(plugin.api, contract)
  end
  if not plugin.namespace then return nil, "namespace is missing: its key in extra_config" end
  if not plugin.scopes then return nil, 'scopes is missing: { "endpoint" }' end
  local ok, problem = check_scopes(plugin)
  if not ok then return nil, problem end
  if plugin.schema then
    ok, problem = schema.is_valid(plugin.schema)
    if not ok then return nil, problem end
  end
  return check_phases(plugin)
end

--- What a file returned, as a list.
local function plugins_of(result)
  if type(result) == "table" and #result > 0 then return result end
  return { result }
end

--- host: see boot.lua; home: where our own plugins are; options: the `plugin` block of the configuration;
--- log(level, text).
function loader.new(host, home, options, log)
  return setmetatable({
    host = host, home = home, options = options, log = log,
    by_namespace = {}, by_name = {}, files = {}, -- of users
    of_users = {},                               -- all of them, in the order in which they were loaded
    ours = {},                                   -- by file: the list of its plugins
    count = 0,
  }, loader)
end

function loader:granted(name)
  local set, grants = {}, self.options.grants
  if type(grants) ~= "table" then return nil, "plugin.grants: expected object, got " .. type(grants) end
  local list = grants[name]
  if list ~= nil and type(list) ~= "table" then
    return nil, ("plugin.grants.%s: expected array, got %s"):format(name, type(list))
  end
  for _, grant in ipairs(list or {}) do
    if not sandbox.grants[grant] then
      return nil, ("plugin.grants: %s: no such grant %q"):format(name, tostring(grant))
    end
    set[grant] = true
  end
  return set
end

--- Runs a plugin's file and checks what it returns: a list of plugins, or nil and why.
function loader:run_file(name, path, chunk_name, folder)
  local granted, problem = self:granted(name)
  if not granted then return nil, problem end
  local env = sandbox.new({
    host = self.host, folder = folder, granted = granted,
    print = function(text) self.log("info", ("[PLUGIN: %s] %s"):format(name, text)) end,
  })
  local result
  result, problem = sandbox.run_file(path, chunk_name, env)
  if problem then return nil, problem end
  if result == nil then return nil, chunk_name .. ": it returns nothing: end it with `return plugin`" end
  local plugins = plugins_of(result)
  for _, plugin in ipairs(plugins) do
    local ok, why = loader.check_shape(plugin)
    if not ok then return nil, ("%s: %s"):format(chunk_name, why) end
    plugin.name = plugin.name or name
    plugin.file, plugin.ours, plugin.number = chunk_name, false, self.count
    self.count = self.count + 1 -- the same in each worker: the watchdog knows plugins by it
  end
  return plugins
end

--- The same, while the watchdog is told whose code it is.
function loader:load_file(name, path, chunk_name, folder)
  self.host.enter(self.count, ("%s, loading %s"):format(name, chunk_name))
  local plugins, problem = self:run_file(name, path, chunk_name, folder)
  self.host.leave()
  return plugins, problem
end

function loader:add(name, plugins)
  self.files[name] = plugins
  for _, plugin in ipairs(plugins) do
    local other = self.by_namespace[plugin.namespace]
    if other then
      return nil, ("%s and %s are both for the namespace %s"):format(other.file, plugin.file, plugin.namespace)
    end
    self.by_namespace[plugin.namespace] = plugin
    self.of_users[#self.of_users + 1] = plugin
    self.by_name[plugin.name] = self.by_name[plugin.name] or {}
    table.insert(self.by_name[plugin.name], plugin)
  end
  return true
end

local function joined(folder, name)
  return folder:sub(-1) == "/" and folder .. name or folder .. "/" .. name
end

--- The plugins of a folder: { name, path, folder }, by name. `.so` files are told as what they are.
function loader:find(folder)
  local found, names = {}, {}
  local items = self.host.list(folder)
  if not items then
    self.log("error", ("[SERVICE: Plugins] there is no folder %s"):format(folder))
    return found
  end
  for name in pairs(items) do names[#names + 1] = name end
  table.sort(names)
  local pattern, passed_over = self.options.pattern, false
  for _, name in ipairs(names) do
    local path = joined(folder, name)
    if items[name] == "folder" then
      local inside = self.host.list(path) or {}
      if inside["init.lua"] then
        found[#found + 1] = { name = name, path = joined(path, "init.lua"), folder = path }
      end
    elseif name:sub(-3) == ".so" then
      self.log("error", ("[SERVICE: Plugins] %s is a Go plugin: it cannot be loaded here"):format(path))
    elseif name:sub(-4) == ".lua" and name:sub(-9) ~= "_spec.lua" then
      if name:find(pattern, 1, true) then
        found[#found + 1] = { name = name:sub(1, -5), path = path, folder = folder }
      else
        passed_over = true
      end
    end
  end
  if passed_over and #found == 0 then
    self.log("warning", ("[SERVICE: Plugins] no .lua file of %s has %q in its name"):format(folder, pattern))
  end
  return found
end

--- Loads what users have in their folders; of two files of one name the first folder's counts. True, or nil and why.
function loader:load_folders()
  if not self.options.present then return true end
  local count = 0
  for _, folder in ipairs(self.options.folders) do
    for _, item in ipairs(folder ~= "" and self:find(folder) or {}) do
      if not self.files[item.name] then
        local plugins, problem = self:load_file(item.name, item.path, item.path, item.folder)
        if not plugins then return nil, problem end
        local ok
        ok, problem = self:add(item.name, plugins)
        if not ok then return nil, problem end
        count = count + #plugins
      end
    end
  end
  if count > 0 then self.log("info", ("[SERVICE: Plugins] Total plugins loaded: %d"):format(count)) end
  return true
end

--- Our own file of that name, loaded when it is first needed: a list of plugins, or nil and why ("" if there is none).
function loader:load_ours(file)
  if self.ours[file] then return self.ours[file] end
  local items = self.host.list(self.home .. "/plugins") or {}
  if not items[file .. ".lua"] then return nil, "" end
  local chunk_name = "plugins/" .. file .. ".lua"
  local plugins, problem = self:load_file(file, self.home .. "/" .. chunk_name, chunk_name, self.home .. "/plugins")
  for _, plugin in ipairs(plugins or {}) do plugin.ours = true end
  self.ours[file] = plugins
  return plugins, problem
end

local function of_namespace(plugins, namespace)
  for _, plugin in ipairs(plugins) do
    if plugin.namespace == namespace then return plugin end
  end
end

--- The plugin for a namespace: a user's, else ours, which is in `file`. nil if there is none; nil and why if ours is
--- broken or gone: a guard must not be missing in silence.
function loader:for_namespace(namespace, file)
  local plugin = self.by_namespace[namespace]
  if plugin or not file then return plugin end
  if self.files[file] then return nil end -- a user's file of that name stands in for ours
  local plugins, problem = self:load_ours(file)
  if not plugins then
    return nil, problem ~= "" and problem or ("%s: %s/plugins/%s.lua is not there"):format(namespace, self.home, file)
  end
  return of_namespace(plugins, namespace)
end

--- Of several plugins of one name the first that may be attached there; if none may, the first.
local function of_scope(plugins, scope)
  for _, plugin in ipairs(plugins) do
    if has(plugin.scopes, scope) then return plugin end
  end
  return plugins[1]
end

--- The plugin of a name, for a scope: as it calls itself (its file, if it does not), or by its namespace.
function loader:for_name(name, scope)
  if self.by_name[name] then return of_scope(self.by_name[name], scope) end
  local plugin = self.by_namespace[name]
  if plugin then return plugin end
  local plugins, problem = self:load_ours(name)
  if plugins then return of_scope(plugins, scope) end
  if problem ~= "" then return nil, problem end
end

return loader
