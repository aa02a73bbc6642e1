local http = require("spec.support.http")

describe("h1_chunked", function()
  --- Whole, byte by byte, in threes, and with one span at a time.
  local function each_way(bytes, check)
    for _, way in ipairs({ { #bytes, 8 }, { 1, 8 }, { 3, 1 }, { #bytes, 1 } }) do
      check(http.dechunk(bytes, math.max(1, way[1]), way[2]))
    end
  end

  it("hands out the content, and stops behind it", function()
    for bytes, content in pairs({
      ["0\r\n\r\n"] = "", ["3\r\nabc\r\n0\r\n\r\n"] = "abc", ["1\r\na\r\n02\r\nbc\r\n000\r\n\r\n"] = "abc",
      ["A\r\n0123456789\r\n0\r\n\r\n"] = "0123456789",
      ["a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n"] = ("\r\n"):rep(5),
      ["00000000000000000003\r\nabc\r\n00000000000000000000\r\n\r\n"] = "abc",
      ["3;x\r\nabc\r\n0;y=z\r\n\r\n"] = "abc", ["3;x=\"a;\\\"\r\\\\b\"\r\nabc\r\n0\r\n\r\n"] = false,
      ["3;x=\"a;\\\"\\\\b\t\195\169\"\r\nabc\r\n0\r\n\r\n"] = "abc",
      ["3 ; x = y ;z\t;q=\"\" ;r\r\nabc\r\n0\r\n\r\n"] = "abc",
      ["0\r\nA: b\r\nC:\r\nD:\t \195\169 \r\n\r\n"] = "",
    }) do
      each_way(bytes .. "GET", function(result, got, used)
        if content then
          assert.same({ "done", content, #bytes }, { result, got, used }, bytes)
        else
          assert.equal("bad", result)
        end
      end)
    end
  end)

  it("waits for the rest, whatever is missing", function()
    local bytes = "3;a=\"b\";c=d ; e\r\nabc\r\n0\r\nA: b\r\n\r\n"
    for len = 1, #bytes - 1 do assert.equal("more", (http.dechunk(bytes:sub(1, len)))) end
  end)

  it("refuses everything else", function()
    for _, bytes in ipairs({
      "\r\n", ";x\r\n", " 3\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x3\r\n", "3\n", "3\rX", "3 \r\n",
      "3 x\r\n", "3;\r\n", "3;;x\r\n", "3; \r\n", "3;x=\r\n",
      "3;x y\r\n", "3;x \r\n", "3;x=y \r\n", "3;x=y z\r\n", "3;x=\"y\r\n", "3;x=\"y\"z\r\n",
      "3;x=\"\0\"\r\n", "3;x=\"\\\r\n", "3;=y\r\n", "3;x=y\n", "3;x\n",
      "3\r\nabcd", "3\r\nabc\n", "3\r\nabc\rX", "3\r\nabc\r\n\r\n", "10000000000000000\r\n",
      "8000000000000000\r\n", "0000000000000000g\r\n", "ffffffffffffffff\r\n",
      "0\r\n\n", "0\r\n\rX", "0\n", "0\r\nA\r\n", "0\r\nA : b\r\n", "0\r\n: b\r\n", "0\r\nA: b\n",
      "0\r\nA: b\rX", "0\r\nA: \0", "0\r\nA: b\r\n c\r\n", "0\r\n A: b\r\n",
      "3,4\r\n", "3\0\r\n", "3\t\r\n",
    }) do
      each_way(bytes, function(result) assert.equal("bad", result, bytes) end)
    end
  end)

  it("limits a line, the trailer section, and extensions in all", function()
    assert.equal("more", (http.dechunk("3;x=" .. ("y"):rep(4000))))
    assert.equal("bad", (http.dechunk("3;x=" .. ("y"):rep(4100))))
    assert.equal("more", (http.dechunk("0\r\n" .. ("A: b\r\n"):rep(10000))))
    assert.equal("bad", (http.dechunk("0\r\n" .. ("A: b\r\n"):rep(11000))))
    assert.equal("bad", (http.dechunk(("1;x=%s\r\na\r\n"):format(("y"):rep(1000)):rep(30))))
    assert.equal("more", (http.dechunk(("1\r\na\r\n"):rep(100000), 65536)))
    assert.equal("more", (http.dechunk(("400;x=%s\r\n%s\r\n"):format(("y"):rep(1000),
      ("a"):rep(1024)):rep(100))))
  end)

  it("stays bad", function()
    local result, _, used = http.dechunk("zz\r\n3\r\nabc\r\n0\r\n\r\n", 1)
    assert.same({ "bad", 1 }, { result, used })
  end)
end)
