---@meta
-- luacheck: ignore
--- What plugins may call, as stubs for readers and editors; never loaded.
---
--- Phases in brackets say where a function may be called; elsewhere it raises "X cannot be called in the Y phase (only
--- in: ...)". A function without brackets may be called in every phase. Wrong arguments raise. What is raised ends the
--- exchange with 500 (in call and reply: fails the call) and writes one line into the log. Names of fields count in any
--- letter case. Seconds are numbers and may have a fraction. Positions count from 1.

--- A plugin: what its file returns, alone or in a list.
---@class plugin
---@field api 1                     the contract it was written for
---@field namespace string          its key in extra_config
---@field scopes string[]           "service", "endpoint", "backend": where it may be attached
---@field name? string              for plugin/... lists and the log; its file's name if not given
---@field log_name? string          how it names itself in the log; its name if not given
---@field schema? table             of its settings: lua/cuttle/schema.lua
---@field reads_body? boolean       it reads or sets requests' bodies: they are collected, not streamed
---@field reads_content? boolean    it reads or sets the content of no-op replies: likewise
---@field new? fun(config: any, runtime: runtime): table?, string?
---  config: what stands under its key, with the schema's defaults; without a schema it may be of any type.
---  once per place and worker. Returns what the phases are called on; nil: nothing to do here; nil and a text: the
---  settings are refused, and the gateway does not start. Without it the phases are called on {config, runtime}.
---@field request? fun(self, exchange: exchange): answer?     service, endpoint: the request as the client sent it
---@field proxy? fun(self, exchange: exchange): answer?       endpoint: the filtered request that calls are made from
---@field call? fun(self, call: call): answer|failure|nil     backend: one upstream request
---@field reply? fun(self, call: call): failure?              backend: its reply, once per call let through
---  what waits is dropped when the endpoint's time is over or the client leaves; a reply that is run after that must not
---@field merged? fun(self, exchange: exchange): answer?      endpoint: the merged document
---@field response? fun(self, exchange: exchange)             service, endpoint: status and fields about to be sent
---@field log? fun(self, exchange: exchange)                  service, endpoint: it is over; must not wait

--- What a phase returns to answer. Nothing else happens on the way in; the response and log phases still run. Other
--- names in it raise, and so does returning nil and a text: what refuses must not let pass.
---@class answer
---@field status integer                          200 to 999
---@field fields? table<string, string|string[]>
---@field body? string|number|table               a table (or document) becomes JSON, with its Content-Type
---@field reason? string                          for the access log

---@class failure

--- One request and its response. Dead when it is over: "exchange is over". Phases of other requests may read one that
--- was kept, not edit it.
---@class exchange
local exchange = {}

---@return string
function exchange:method() end
--- [request of a plugin named in plugin/http-server] The request is routed anew, at once: exchange:endpoint and
--- exchange:param tell what it is now, and so does the access log. After routing it would change nothing, so it raises;
--- for one backend there is call:set_method.
---@param text string
function exchange:set_method(text) end
--- Decoded.
---@return string
function exchange:path() end
--- [request of a plugin named in plugin/http-server] Routes the request anew, like set_method. Decoded, as exchange:path
--- tells it: exchange:set_path("/v2" .. exchange:path()). Begins with "/", without control characters, "?" and "#".
---@param text string
function exchange:set_path(text) end
--- In the proxy phase: of the calls to be made.
---@return string
function exchange:raw_query() end
--- The first value of that name, decoded.
---@param name string
---@return string?
function exchange:query(name) end
--- All of it, decoded: { lang = { "de" }, tag = { "a b", "c&d" } }. A copy, that set_query takes.
---@return table<string, string[]>
function exchange:query_table() end
--- [request, proxy] Replaces all of it: by a text, encoded and without "?", or by a table of values, which are encoded:
--- exchange:set_query({ lang = "de", tag = { "a b", "c&d" } }).
---@param query string|table<string, string|number|boolean|(string|number|boolean)[]>
function exchange:set_query(query) end
--- The first line. In the proxy phase: of the fields that calls get; elsewhere of the client's.
---@param name string
---@return string?
function exchange:field(name) end
---@param name string
---@return string[]
function exchange:field_lines(name) end
--- The names of all fields, each once and in canonical spelling ("X-Team"), in their order.
---@return string[]
function exchange:field_names() end
--- [request, proxy] Replaces all lines of that name; nil removes them. Host: in the proxy phase, for all calls.
--- In a plugin named in plugin/http-server who the client is (client_ip) follows from the fields as they are then.
---@param name string
---@param value string?
function exchange:set_field(name, value) end
--- [request, proxy]
---@param name string
---@param value string
function exchange:add_field(name, value) end
--- A parameter of the path, by its name in the endpoint; or one that a plugin has set.
---@param name string
---@return string?
function exchange:param(name) end
--- [request, proxy] What {name} of a url_pattern stands for.
---@param name string
---@param value string
function exchange:set_param(name, value) end
--- "" if it is unknown.
---@return string
function exchange:client_ip() end
---@return string
function exchange:host() end
--- As configured: "/users/{id}"; nil where there is none (404, redirects, built-in endpoints).
---@return string?
function exchange:endpoint() end
--- nil if there is none. Raises without reads_body if there is one.
---@return string?
function exchange:body() end
--- [request, proxy] nil removes it. Raises without reads_body if there is one.
---@param text string?
function exchange:set_body(text) end
--- [merged, response, log]
---@return response
function exchange:response() end
--- Seconds since the first byte of the request.
---@return number
function exchange:elapsed() end

--- What is about to be sent (exchange:response), or what a backend answered (call:response).
---@class response
local response = {}

---@return integer
function response:status() end
--- [reply, merged, response] 200 to 999
---@param status integer
function response:set_status(status) end
---@param name string
---@return string?
function response:field(name) end
---@param name string
---@return string[]
function response:field_lines(name) end
--- The names of all fields, each once and in canonical spelling ("X-Team"), in their order.
---@return string[]
function response:field_names() end
--- [reply, merged, response]
---@param name string
---@param value string?
function response:set_field(name, value) end
--- [reply, merged, response]
---@param name string
---@param value string
function response:add_field(name, value) end
--- The document: indexed and changed in place. json.null for null; nil if there is none (no-op, failures).
---@return document|any
function response:data() end
--- [reply, merged] Of a reply an object or null, for it may be merged with others.
---@param value document|any
function response:set_data(value) end
--- nil where it is made of the data, or streams through.
---@return string?
function response:body() end
--- [reply, merged, response] Of a reply only with reads_content, for a no-op backend.
---@param text string
function response:set_body(text) end
--- Does it count as whole (X-Krakend-Completed)?
---@return boolean
function response:complete() end
--- [reply, merged]
---@param complete boolean
function response:set_complete(complete) end
--- Of a reply: is its data the object that return_error_details makes?
---@return boolean
function response:is_error_details() end

--- One request to a backend: the same value in call and reply. Dead when it is over: "call is over".
---@class call
local call = {}

--- Shows the client's request.
---@return exchange
function call:exchange() end
--- Its url_pattern.
---@return string
function call:backend() end
---@return string
function call:method() end
--- [call]
---@param text string
function call:set_method(text) end
--- Absolute.
---@return string
function call:url() end
--- [call]
---@param text string
function call:set_url(text) end
---@param name string
---@return string?
function call:field(name) end
---@param name string
---@return string[]
function call:field_lines(name) end
--- The names of all fields, each once and in canonical spelling ("X-Team"), in their order.
---@return string[]
function call:field_names() end
--- [call] Host stands in for the one of the URL.
---@param name string
---@param value string?
function call:set_field(name, value) end
--- [call]
---@param name string
---@param value string
function call:add_field(name, value) end
--- nil if there is none, or it streams through.
---@return string?
function call:body() end
--- [call] Raises without reads_body if there is one.
---@param text string?
function call:set_body(text) end
--- [call, reply] `return call:fail("why")` fails the call; the endpoint's error rules make the answer. To call it and
--- return nothing raises.
---@param text string
---@return failure
function call:fail(text) end
--- [reply] Why it failed; nil if it did not. cancelled: it says nothing of the backend: the client went away.
---@return string? text, boolean? cancelled
function call:failure() end
--- [reply] nil if none came.
---@return response?
function call:response() end

--- A container of a JSON document: doc.name, doc[1], doc.name = value (nil takes it out), #doc. Nothing is copied or
--- converted: what nobody touches keeps its bytes. Lives as long as its exchange.
---
---     null: json.null · string · boolean · number; an integer beyond 2^53: int64_t or uint64_t (9007199254740993LL)
---
--- Assigned tables become objects (keys are texts) or arrays (keys are 1 to n); an empty one is an object unless
--- json.array marks it. An assigned document is copied. doc[#doc + 1] = value appends to an array.
---@class document

---@class json
---@field null userdata
local json = {}

--- [a phase]
---@param text string
---@return document|any value, string? problem   nil and a problem if it is no JSON
function json.decode(text) end
--- The same as plain tables; everywhere.
function json.decode_to_table(text) end
---@param value any
---@return string
function json.encode(value) end
--- A document as plain tables; other values as they are.
function json.to_table(value) end
--- [a phase] A new, empty one.
---@return document
function json.object() end
--- Marks the table (a new one without it) as an array.
---@param list? table
---@return table
function json.array(list) end
---@return "object"|"array"|"string"|"number"|"boolean"|"null"|nil
function json.type(value) end
--- The number's text as received; nil if there is none.
---@param doc document
---@param key string|integer
---@return string?
function json.number(doc, key) end
--- for name, value in json.pairs(doc)
---@param doc document
function json.pairs(doc) end
--- for position, value in json.ipairs(array)
---@param doc document
function json.ipairs(doc) end
--- What the dotted path leads to, object by object.
---@param doc document
---@param path string
---@return document|any
function json.find(doc, path) end
--- Compiles dotted paths, for keep and drop; in `new`, not per request.
---@param list string[]
---@return paths
function json.paths(list) end
--- Keeps what the paths name; objects left empty go.
---@param object document
---@param paths paths
function json.keep(object, paths) end
--- Drops what the paths name; objects left empty stay.
---@param object document
---@param paths paths
function json.drop(object, paths) end
--- Compiles {from = "to"}, for rename.
---@param map table<string, string>
---@return renames
function json.renames(map) end
--- Renames members, all at once; a name mapped to itself disappears.
---@param object document
---@param renames renames
function json.rename(object, renames) end
--- Sets each member of source (copied) in object.
---@param object document
---@param source document
function json.merge(object, source) end
--- [a phase] A new document with one member: the value itself, not a copy.
---@param value document|any
---@param name string
---@return document
function json.wrap(value, name) end

--- Counters that all workers have in common, behind keys of the plugin's own at its place. ttl: seconds an entry is kept
--- unused, 3600 if not given. While settings are checked (`cuttle check`) it is empty and remembers nothing.
---@class store
local store = {}

--- A token bucket, full at first: takes a token and returns 0, or returns the seconds until one is there. It is kept
--- at least until it is full again, and no longer if no ttl is given. When the store is full, what expires first makes
--- room: what must outlive a flood of keys that clients choose has a long one.
---@param key string any bytes
---@param rate number tokens a second, above 0
---@param capacity number 1 or more
---@param ttl? number
---@return number
function store:take(key, rate, capacity, ttl) end
--- Token buckets of one rate and capacity, for who takes from them at each request.
---@return bucket
function store:bucket(rate, capacity, ttl) end
--- Four numbers and their version; version 0: there is nothing.
---@return number version, number a, number b, number c, number d
function store:read(key) end
--- False, and unchanged, if somebody has written since that version was read.
---@return boolean
function store:write(key, version, a, b, c, d, ttl) end
--- Adds, and returns the sum.
---@return number
function store:add(key, amount, ttl) end
--- Another one, with keys of its own.
---@param name string
---@return store
function store:part(name) end

---@class bucket
local bucket = {}

--- Takes a token and returns 0, or returns the seconds until one is there. key: whose bucket (any bytes); none, or
--- an empty one: the bucket of all; an exchange: that of its client's address.
---@param key? string|exchange
---@return number
function bucket:take(key) end

---@class log
local log = {}
--- One argument is written as it is; more are string.format's. Likewise info, warning and error.
function log.debug(text, ...) end

---@class http_request
---@field url string
---@field method? string            GET if not given
---@field fields? table<string, string|string[]>
---@field body? string
---@field timeout? number           seconds for all of it; 10 if not given

---@class http_response
---@field status integer
---@field fields table<string, string>  by name in lower case; lines of one name are joined by ", "
---@field body string                   up to 8 MiB

---@class http
local http = {}
--- [all but log] Waits, as runtime.sleep. nil and why if no whole response came. Goes through a proxy where calls to backends would.
---@param request http_request
---@return http_response?, string?
function http.request(request) end
---@param url string
---@param options? http_request
function http.get(url, options) end
---@param url string
---@param options? http_request
function http.post(url, options) end

--- Everything a plugin may use of the world. place.timeout: seconds after which a request, or a call of a backend, is
--- cut at the latest.
---@class runtime
---@field place { scope: string, name: string, endpoint: string?, backend: string?, timeout: number? }
---@field http http
---@field json json
---@field log log
---@field store store
local runtime = {}

--- Monotonic seconds; they stand still while a function does not wait.
---@return number
function runtime.now() end
--- Unix time in seconds.
---@return number
function runtime.wall() end
--- [all but log] Waits. Not inside a coroutine of the plugin's own, or a function that table.sort, string.gsub or
--- another one of the library calls; pcall and xpcall are fine.
---@param seconds number
function runtime.sleep(seconds) end
--- At least 0, below 1.
---@return number
function runtime.random() end
--- Seconds of a text as in krakend.json, "1h30m"; nil and why if it is none.
---@param text string
---@return number?, string?
function runtime.duration(text) end
