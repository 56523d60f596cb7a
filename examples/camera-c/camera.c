/* Shows a camera's or a recording's picture with the faces in it completed, and lets keys change
 * what is completed while it plays.
 *
 * usage: camera [--headless] [--region=faces] [--model=FILE]... SOURCE
 *
 * SOURCE is a camera such as /dev/video0, a video file, or "test" for a test picture. Keys, in the
 * window or with Enter in the terminal: o for the next occlusion, - and + for the strength, m for
 * the next model, q to end.
 */

#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const gchar *const occlusions[] = { "eyes", "mouth", "left-half", "right-half", "" };

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline;
  GstElement *completer;
  guint occlusion;
  gchar **models;               /* those to choose from besides the embedded one */
  guint model;                  /* 0 is the embedded one */
  guint64 told_frames;
  gint64 told_at;               /* in microseconds */
  gboolean failed;
} Camera;

static guint64
count_frames (Camera *camera)
{
  GstStructure *stats = NULL;
  guint64 frames = 0;

  g_object_get (camera->completer, "stats", &stats, NULL);
  if (stats != NULL) {
    gst_structure_get_uint64 (stats, "frames", &frames);
    gst_structure_free (stats);
  }
  return frames;
}

static gboolean
tell_status (gpointer data)
{
  Camera *camera = data;
  GstStructure *stats = NULL;
  guint64 frames = 0, inference = 0;
  gint64 now = g_get_monotonic_time ();
  gfloat strength;

  g_object_get (camera->completer, "stats", &stats, "strength", &strength, NULL);
  if (stats == NULL)
    return G_SOURCE_CONTINUE;
  gst_structure_get_uint64 (stats, "frames", &frames);
  gst_structure_get_uint64 (stats, "inference-us-p50", &inference);
  g_print ("%.1f frames/s, completing %s at %.0f %% with %s on %s, %.1f ms a run\n",
      (frames - camera->told_frames) * 1e6 / MAX (now - camera->told_at, 1000),
      occlusions[camera->occlusion][0] ? occlusions[camera->occlusion] : "nothing",
      100 * strength, gst_structure_get_string (stats, "model"),
      gst_structure_get_string (stats, "provider"), inference / 1e3);
  camera->told_frames = frames;
  camera->told_at = now;
  gst_structure_free (stats);
  return G_SOURCE_CONTINUE;
}

static void
strengthen (Camera *camera, gfloat by)
{
  gfloat strength;

  g_object_get (camera->completer, "strength", &strength, NULL);
  g_object_set (camera->completer, "strength", CLAMP (strength + by, 0, 1), NULL);
}

/* All of this may be set while the pipeline plays. */
static void
press (Camera *camera, const gchar *key)
{
  if (g_str_equal (key, "o")) {
    camera->occlusion = (camera->occlusion + 1) % G_N_ELEMENTS (occlusions);
    gst_util_set_object_arg (G_OBJECT (camera->completer), "occlusion",
        occlusions[camera->occlusion]);
  } else if (g_str_equal (key, "-") || g_str_equal (key, "minus")) {
    strengthen (camera, -0.25);
  } else if (g_str_equal (key, "+") || g_str_equal (key, "plus")) {
    strengthen (camera, 0.25);
  } else if (g_str_equal (key, "m")) {
    guint models = camera->models != NULL ? g_strv_length (camera->models) : 0;
    camera->model = (camera->model + 1) % (models + 1);
    g_object_set (camera->completer, "model-file",
        camera->model > 0 ? camera->models[camera->model - 1] : NULL, NULL);
  } else if (g_str_equal (key, "q") || g_str_equal (key, "Escape")) {
    g_main_loop_quit (camera->loop);
    return;
  } else {
    return;
  }
  tell_status (camera);
}

static gboolean
on_line (GIOChannel *terminal, GIOCondition condition, gpointer data)
{
  gchar *line = NULL;

  if (g_io_channel_read_line (terminal, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    return G_SOURCE_REMOVE;
  press (data, g_strstrip (line));
  g_free (line);
  return G_SOURCE_CONTINUE;
}

static void
on_navigation (Camera *camera, GstMessage *message)
{
  GstEvent *event = NULL;
  const gchar *key = NULL;

  if (!gst_navigation_message_parse_event (message, &event))
    return;
  if (gst_navigation_event_get_type (event) == GST_NAVIGATION_EVENT_KEY_PRESS
      && gst_navigation_event_parse_key_event (event, &key))
    press (camera, key);
  gst_event_unref (event);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Camera *camera = data;
  GError *error = NULL;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      g_main_loop_quit (camera->loop);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, NULL);
      g_printerr ("%s\n", error->message);
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      g_printerr ("camera: %s\n", error->message);
      camera->failed = TRUE;
      g_main_loop_quit (camera->loop);
      break;
    case GST_MESSAGE_ELEMENT:
      if (gst_navigation_message_get_type (message) == GST_NAVIGATION_MESSAGE_EVENT)
        on_navigation (camera, message);
      break;
    default:
      break;
  }
  g_clear_error (&error);
  return G_SOURCE_CONTINUE;
}

static GstElement *
build (const gchar *source, const gchar *region, gboolean headless)
{
  gboolean is_test = g_str_equal (source, "test");
  struct stat status = { 0 };
  GstElement *pipeline, *element;
  GError *error = NULL;
  gchar *description;

  if (!is_test && stat (source, &status) != 0) {
    g_printerr ("camera: there is no '%s'\n", source);
    return NULL;
  }
  /* A camera's frames that come while one is being completed are dropped. */
  description = g_strdup_printf ("%s ! videoconvert "
      "! mdecomplete name=completer region=%s occlusion=%s ! videoconvert ! %s",
      is_test ? "videotestsrc is-live=true" : S_ISCHR (status.st_mode)
      ? "v4l2src name=camera ! decodebin ! queue max-size-buffers=1 leaky=downstream"
      : "filesrc name=file ! decodebin", region, occlusions[0],
      headless ? "fakesink" : "autovideosink");
  pipeline = gst_parse_launch_full (description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  g_free (description);
  if (pipeline == NULL) {
    g_printerr ("camera: %s\n", error->message);
    g_clear_error (&error);
    return NULL;
  }
  element = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  if (element != NULL) {
    g_object_set (element, "location", source, NULL);
    gst_object_unref (element);
  }
  element = gst_bin_get_by_name (GST_BIN (pipeline), "camera");
  if (element != NULL) {
    g_object_set (element, "device", source, NULL);
    gst_object_unref (element);
  }
  return pipeline;
}

static guint64
play (Camera *camera)
{
  GstBus *bus = gst_element_get_bus (camera->pipeline);
  GIOChannel *terminal = g_io_channel_unix_new (STDIN_FILENO);
  guint64 frames;

  gst_bus_add_watch (bus, on_message, camera);
  camera->told_at = g_get_monotonic_time ();
  /* A failure to start is told on the bus. */
  gst_element_set_state (camera->pipeline, GST_STATE_PLAYING);
  g_io_add_watch (terminal, G_IO_IN | G_IO_HUP, on_line, camera);
  g_timeout_add_seconds (1, tell_status, camera);
  g_main_loop_run (camera->loop);
  frames = count_frames (camera);
  gst_element_set_state (camera->pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  g_io_channel_unref (terminal);
  gst_object_unref (bus);
  return frames;
}

int
main (int argc, char **argv)
{
  Camera camera = { 0 };
  gboolean headless = FALSE;
  gchar *region = NULL;
  GOptionEntry entries[] = {
    { "headless", 0, 0, G_OPTION_ARG_NONE, &headless, "Show nothing, only compute", NULL },
    { "region", 0, 0, G_OPTION_ARG_STRING, &region, "Where the faces are", "faces" },
    { "model", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &camera.models,
        "Another generator for the key m to choose", "FILE" },
    { NULL }
  };
  GOptionContext *context = g_option_context_new ("SOURCE - completes the faces before a camera");
  GError *error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("camera: %s\n", error != NULL ? error->message : "one SOURCE is wanted");
    return EXIT_FAILURE;
  }
  g_option_context_free (context);
  camera.pipeline = build (argv[1], region != NULL ? region : "faces", headless);
  if (camera.pipeline == NULL)
    return EXIT_FAILURE;
  camera.completer = gst_bin_get_by_name (GST_BIN (camera.pipeline), "completer");
  camera.loop = g_main_loop_new (NULL, FALSE);
  g_print ("%" G_GUINT64_FORMAT " frames\n", play (&camera));
  g_main_loop_unref (camera.loop);
  gst_object_unref (camera.completer);
  gst_object_unref (camera.pipeline);
  g_strfreev (camera.models);
  g_free (region);
  return camera.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
