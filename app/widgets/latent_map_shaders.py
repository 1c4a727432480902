"""The shaders of the map (GLSL 1.20). Colours are premultiplied by their alpha."""

from __future__ import annotations

_HAZE = """
uniform vec2 u_haze;
float haze(float depth) { return clamp((depth - u_haze.x) * u_haze.y, 0.0, 1.0); }
"""

DISC_VERTEX = (
    _HAZE
    + """
uniform mat4 u_matrix;
uniform float u_size;
uniform float u_scale;
uniform vec2 u_limits;
uniform vec3 u_ground;
uniform float u_quiet;
attribute vec3 a_position;
attribute vec4 a_colour;
varying vec4 v_colour;
varying float v_radius;
void main() {
    gl_Position = u_matrix * vec4(a_position, 1.0);
    float depth = max(gl_Position.w, 1e-6);
    v_radius = 0.5 * u_scale * clamp(u_size / depth, u_limits.x, u_limits.y);
    gl_PointSize = 2.0 * v_radius + 1.0;
    // Quiet discs are greyer and darker: hue and light belong to what lies over them.
    float grey = dot(a_colour.rgb, vec3(0.3, 0.6, 0.1));
    vec3 tone = mix(a_colour.rgb, vec3(grey), 0.8 * u_quiet);
    float left = (1.0 - 0.62 * haze(depth)) * (1.0 - u_quiet);
    v_colour = vec4(mix(u_ground, tone, left), a_colour.a);
}
"""
)

# The rim is darker than the middle, so that each disc stands out from those behind it.
DISC_FRAGMENT = """
varying vec4 v_colour;
varying float v_radius;
void main() {
    vec2 at = (gl_PointCoord - 0.5) * (2.0 * v_radius + 1.0);
    float from_middle = length(at);
    float cover = clamp(v_radius - from_middle + 0.5, 0.0, 1.0) * v_colour.a;
    if (cover <= 0.0) discard;
    float shade = 1.06 - 0.46 * smoothstep(0.35, 1.0, from_middle / v_radius)
                  - 0.12 * at.y / v_radius;
    gl_FragColor = vec4(v_colour.rgb * shade * cover, cover);
}
"""

STROKE_VERTEX = (
    _HAZE
    + """
uniform mat4 u_matrix;
uniform vec2 u_half;
uniform float u_near;
attribute vec3 a_start;
attribute vec3 a_end;
attribute vec2 a_side;
attribute vec4 a_colour;
attribute float a_width;
varying vec4 v_colour;
varying float v_across;
varying float v_half_width;
void main() {
    vec4 start = u_matrix * vec4(a_start, 1.0);
    vec4 end = u_matrix * vec4(a_end, 1.0);
    // What lies behind the eye has no place on the screen: cut the stroke off before it.
    if (start.w < u_near && end.w > u_near)
        start = mix(start, end, (u_near - start.w) / (end.w - start.w));
    else if (end.w < u_near && start.w > u_near)
        end = mix(end, start, (u_near - end.w) / (start.w - end.w));
    vec2 along = (end.xy / end.w - start.xy / start.w) * u_half;
    along /= max(length(along), 1e-6);
    v_half_width = 0.5 * a_width;
    v_across = a_side.x * (v_half_width + 1.0);
    gl_Position = a_side.y > 0.5 ? end : start;
    gl_Position.xy += vec2(-along.y, along.x) * v_across / u_half * gl_Position.w;
    v_colour = a_colour * (1.0 - 0.8 * haze(gl_Position.w));
}
"""
)

STROKE_FRAGMENT = """
uniform float u_scale;
varying vec4 v_colour;
varying float v_across;
varying float v_half_width;
void main() {
    gl_FragColor = v_colour * clamp((v_half_width - abs(v_across)) * u_scale + 0.5, 0.0, 1.0);
}
"""

SPRITE_VERTEX = """
uniform mat4 u_matrix;
uniform vec2 u_half;
attribute vec3 a_position;
attribute vec2 a_corner;
attribute vec2 a_texture;
attribute float a_alpha;
varying vec2 v_texture;
varying float v_alpha;
void main() {
    gl_Position = u_matrix * vec4(a_position, 1.0);
    gl_Position.xy += a_corner / u_half * gl_Position.w;
    v_texture = a_texture;
    v_alpha = a_alpha;
}
"""

SPRITE_FRAGMENT = """
uniform sampler2D u_atlas;
varying vec2 v_texture;
varying float v_alpha;
void main() { gl_FragColor = texture2D(u_atlas, v_texture) * v_alpha; }
"""

BACKDROP_VERTEX = """
attribute vec2 a_position;
varying vec2 v_texture;
void main() {
    gl_Position = vec4(a_position, 0.0, 1.0);
    v_texture = 0.5 + 0.5 * a_position;
}
"""

BACKDROP_FRAGMENT = """
uniform sampler2D u_picture;
varying vec2 v_texture;
void main() { gl_FragColor = vec4(texture2D(u_picture, v_texture).rgb, 1.0); }
"""

# A bead is a disc with a dark rim. One with a halo shines, and rings go out from it.
BEAD_VERTEX = (
    _HAZE
    + """
uniform mat4 u_matrix;
uniform vec2 u_half;
uniform float u_reach;
attribute vec3 a_position;
attribute vec2 a_corner;
attribute vec4 a_colour;
attribute float a_radius;
attribute float a_halo;
varying vec4 v_colour;
varying vec2 v_at;
varying float v_radius;
varying float v_halo;
void main() {
    gl_Position = u_matrix * vec4(a_position, 1.0);
    float depth = max(gl_Position.w, 1e-6);
    float size = clamp(u_reach / depth, 0.6, 1.7);
    v_radius = a_radius * size;
    v_halo = a_halo * size;
    v_at = a_corner * (max(v_radius + 2.0, v_halo) + 1.0);
    gl_Position.xy += v_at / u_half * gl_Position.w;
    v_colour = vec4(a_colour.rgb, a_colour.a * (1.0 - 0.5 * haze(depth)));
}
"""
)

BEAD_FRAGMENT = """
uniform float u_scale;
uniform float u_phase;
uniform vec3 u_ground;
varying vec4 v_colour;
varying vec2 v_at;
varying float v_radius;
varying float v_halo;
void main() {
    float from_middle = length(v_at);
    float core = clamp((v_radius - from_middle) * u_scale + 0.5, 0.0, 1.0);
    float rim = clamp((v_radius + 1.6 - from_middle) * u_scale + 0.5, 0.0, 1.0) - core;
    vec3 tone = v_colour.rgb;
    float light = 0.0;
    if (v_halo > 0.0) {
        float fall = clamp(1.0 - from_middle / v_halo, 0.0, 1.0);
        float breath = 0.85 + 0.15 * cos(6.2831853 * u_phase);
        float ring = clamp(1.8 - abs(from_middle - mix(v_radius, v_halo - 2.0, u_phase)), 0.0, 1.0);
        light = 0.75 * breath * fall * fall + 0.8 * ring * (1.0 - u_phase) * (1.0 - u_phase);
        tone = mix(tone, vec3(1.0), 0.75 * clamp(1.0 - 1.6 * from_middle / v_radius, 0.0, 1.0));
    }
    vec4 under = vec4(v_colour.rgb, 1.0) * min(light, 1.0);
    vec4 over = vec4(u_ground, 1.0) * 0.8 * rim + vec4(tone, 1.0) * core;
    gl_FragColor = v_colour.a * (over + under * (1.0 - over.a));
}
"""
