local ffi = require("ffi")
pcall(ffi.cdef, "typedef struct cuttle_stdio FILE;")
ffi.cdef("FILE *fopen(const char *, const char *); int fclose(FILE *);")
local config = require("spec.support.config")
local core = require("spec.support.cdef").load("gateway/config_dump.h")

local function dump(text, level, indent, colour)
  local c = assert(config.parse(text))
  local name = os.tmpname()
  local out = ffi.C.fopen(name, "w")
  core.config_dump(c, level, indent or "\t", colour or false, out)
  ffi.C.fclose(out)
  local file = assert(io.open(name))
  local printed = file:read("*a")
  file:close()
  os.remove(name)
  return printed
end

local shop = [[{"version": 3, "port": 90, "name": "shop", "host": ["http://h.test"], "timeout": "3s",
  "extra_config": {"router": {"auto_options": true}}, "endpoints": [
  {"endpoint": "/a/{id}", "method": "POST", "input_query_strings": ["q"], "timeout": "1m", "cache_ttl": "30s",
   "backend": [{"url_pattern": "/b/{id}", "deny": ["x"], "mapping": {"m": "n.o", "b": "c"}}]},
  {"endpoint": "/z", "backend": [{"url_pattern": "/z1"}, {"url_pattern": "/z2",
    "host": ["http://other.test"]}]}]}]]

describe("config_dump (operate.md 1.5)", function()
  it("prints the settings and the endpoints at level 1", function()
    assert.equal(([[
Global settings
	Name: shop
	Version: 3
	Address: <none>
	Port: 90
	Default backend hosts: [http://h.test]
1 global component configuration(s):
- router
2 API endpoint(s):
	- POST /a/:id
	Timeout: 1m0s
	QueryString: [q]
	Connecting to 1 backend(s):
		[+] POST /b/{{.Id}}
		Timeout: 1m0s
		Hosts: [http://h.test]

	- GET /z
	Timeout: 3s
	Connecting to 2 backend(s):
		[+] GET /z1
		Timeout: 3s
		Hosts: [http://h.test]

		[+] GET /z2
		Timeout: 3s
		Hosts: [http://other.test]

0 async agent(s):
]]):gsub("<none>", ""), dump(shop, 1))
  end)

  it("adds details at level 2 and the transport at level 3", function()
    local two = dump(shop, 2)
    for _, line in ipairs({ "\tDefault timeout: 3s\n", "\tNo TLS section defined\n",
      "\tNo Plugin section defined\n",
      "- router\n\tauto_options: true\n", "\tCacheTTL: 30s\n", "\tOutputEncoding: json\n",
        "\tConcurrent calls: 1\n",
      "\t\tDeny: [x], Allow: []\n", "\t\tMapping: map[b:c m:n.o]\n", "\t\tSD scheme: http\n",
      "\t0 endpoint component configuration(s):\n" }) do
      assert.matches(line, two, 1, true)
    end
    assert.is_nil(two:find("Read timeout", 1, true))
    local three = dump(shop, 3)
    for _, line in ipairs({ "\tRead timeout: 0s\n", "\tMax idle connections per host: 250\n",
      "\tDisable strict REST: false\n", "\tUseH2C: false\n" }) do
      assert.matches(line, three, 1, true)
    end
  end)

  it("indents as it is told", function()
    assert.matches("\n....Name: shop\n", dump(shop, 1, "...."), 1, true)
    assert.matches("\n........[+] POST ", dump(shop, 1, "...."), 1, true)
  end)

  it("shows a section without values as such", function()
    assert.matches("\tFolder: \n\tPattern: ", dump(config.service('"plugin": {}'), 1), 1, true)
  end)

  it("colours when it is told, and only then", function()
    assert.is_nil(dump(shop, 3):find("\27", 1, true))
    local coloured = dump(shop, 2, "\t", true)
    assert.matches("\27[32;1mGlobal settings\27[0m\n", coloured, 1, true)
    assert.matches("\t- \27[36;1mPOST\27[36;1m /a/:id\27[0m\n", coloured, 1, true)
    assert.matches("\27[33;1m- router\27[0m\n", coloured, 1, true)
  end)

  it("shows namespaces as written, sections and agents", function()
    local text = dump(config.service([["tls": {"disabled": true, "public_key": "p"},
      "client_tls": {"min_version": "TLS12"},
      "plugin": {"folder": "f"}, "async_agent": [{"name": "worker"}], "extra_config":
      {"github.com/devopsfaith/krakend/proxy": {"b": [1, {"z": null, "a": "t"}], "a": 1.10}, "list": [1,
        "x"]}]]), 2)
    for _, line in ipairs({ "TLS Disabled: true\n", "TLS Public key: p\n", "Client TLS Min version: TLS12\n",
      "Folder: f\n",
      "- github.com/devopsfaith/krakend/proxy\n\ta: 1.10\n\tb: [1 map[a:t z:<nil>]]\n", "- list\n\t: [1 x]\n",
      "1 async agent(s):\n\t- worker\n" }) do
      assert.matches(line, text, 1, true)
    end
  end)
end)
