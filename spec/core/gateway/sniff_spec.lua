local ffi = require("ffi")
local core = require("spec.support.cdef").load("gateway/sniff.h")

local function sniff(content)
  local type = core.sniff_type(ffi.new("struct str", content, #content))
  return ffi.string(type.ptr, type.len)
end

describe("sniff", function()
  local cases = {
    { "", "text/plain; charset=utf-8" },
    { "words", "text/plain; charset=utf-8" },
    { '{"a":1}', "text/plain; charset=utf-8" },
    { " \n<html>", "text/html; charset=utf-8" },
    { "<!DOCTYPE html>", "text/html; charset=utf-8" },
    { "<!doctype HTML >", "text/html; charset=utf-8" },
    { "<p>", "text/html; charset=utf-8" },
    { "<!-- x", "text/html; charset=utf-8" },
    { "<pre>", "text/plain; charset=utf-8" },
    { "<html", "text/plain; charset=utf-8" },
    { " <?xml version='1.0'?>", "text/xml; charset=utf-8" },
    { "<?XML", "text/plain; charset=utf-8" },
    { "%PDF-1.7", "application/pdf" },
    { " %PDF-1.7", "text/plain; charset=utf-8" },
    { "%!PS-Adobe-3", "application/postscript" },
    { "\254\255\0\65", "text/plain; charset=utf-16be" },
    { "\255\254\65\0", "text/plain; charset=utf-16le" },
    { "\239\187\191words", "text/plain; charset=utf-8" },
    { "\0\0\1\0", "image/x-icon" },
    { "BM", "image/bmp" },
    { ("words "):rep(6):sub(1, 34) .. "LP", "application/vnd.ms-fontobject" },
    { ("words "):rep(6):sub(1, 34) .. "L", "text/plain; charset=utf-8" },
    { "GIF89a...", "image/gif" },
    { "RIFF....WEBPVP8 ", "image/webp" },
    { "RIFF....WAVEfmt ", "audio/wave" },
    { "RIFF....AVI LIST", "video/avi" },
    { "\137PNG\r\n\26\n", "image/png" },
    { "\255\216\255\224", "image/jpeg" },
    { "FORM....AIFF", "audio/aiff" },
    { "ID3\3", "audio/mpeg" },
    { "OggS\0", "application/ogg" },
    { "MThd\0\0\0\6", "audio/midi" },
    { "\0\0\0\24ftypmp42\0\0\0\0mp42isom", "video/mp4" },
    { "\0\0\0\24ftypisom\0\0\0\0iso2avc1", "application/octet-stream" },
    { "\26\69\223\163", "video/webm" },
    { "\31\139\8", "application/x-gzip" },
    { "PK\3\4", "application/zip" },
    { "Rar!\26\7\0", "application/x-rar-compressed" },
    { "\0asm", "application/wasm" },
    { "wOF2", "font/woff2" },
    { "a\0b", "application/octet-stream" },
    { "\27[1m", "text/plain; charset=utf-8" },
    { "\195\169", "text/plain; charset=utf-8" },
  }

  for _, case in ipairs(cases) do
    it(("takes %q for %s"):format(case[1], case[2]), function() assert.equal(case[2], sniff(case[1])) end)
  end

  it("looks at 512 bytes only", function()
    assert.equal("text/plain; charset=utf-8", sniff(("x"):rep(512) .. "\0"))
    assert.equal("application/octet-stream", sniff(("x"):rep(511) .. "\0"))
  end)
end)
