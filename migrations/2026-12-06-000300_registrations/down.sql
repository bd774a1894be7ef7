DROP TABLE registrations, feed_heads;
